import type { ClientConnection } from './connection.ts'
import { limits, TICK_MS } from './limits.ts'
import type { ZooKeeperServer } from './server.ts'
import { negotiatedTimeoutMs } from './sessions.ts'
import type { Traffic } from './traffic.ts'
import type { Watches } from './watches.ts'
import type { Word } from './word-names.ts'

/** What words ask about. */
export interface WordFacts {
  readonly server: ZooKeeperServer
  readonly traffic: Traffic
  readonly connections: ReadonlySet<ClientConnection>
  readonly port: number
  /** Where nodes are stored. */
  readonly dataDirectory: string
  readonly hostName: string
  readonly nowMs: () => number
  readonly monotonicMs: () => number
}

/** Tools take the server for one of this version. */
const VERSION = '3.5.9-ottla, built on 01/06/2021 20:03 GMT'
/** What is traced, in ZooKeeper: a number that can be asked for and set. Source: ZooTrace. */
const TRACE_MASK = 306
const UNKNOWN = '<NA>'

type Answer = (facts: WordFacts, asker: ClientConnection, rest: Buffer) => string

/** Words answered without the nodes. Source: the classes of server.command. */
const plainAnswers: Readonly<Partial<Record<Word, Answer>>> = {
  ruok: () => 'imok',
  isro: () => 'rw',
  gtmk: () => `${TRACE_MASK}`,
  stmk: (_, __, rest) => (rest.length < 8 ? '' : `${rest.readBigInt64BE()}`),
  envi: ({ hostName }) => lines(['Environment:', ...environment(hostName)]),
  crst: ({ connections }) => {
    for (const { traffic } of connections) traffic.reset()
    return lines(['Connection stats reset.'])
  },
  srst: ({ traffic }) => {
    traffic.reset()
    return lines(['Server stats reset.'])
  },
}

const answers: Readonly<Partial<Record<Word, Answer>>> = {
  stat: (facts, asker) => {
    const clients = [...facts.connections].map((each) => connectionLine(each, asker, true))
    return lines([`Zookeeper version: ${VERSION}`, 'Clients:', ...clients, '', ...serverLines(facts)])
  },
  srvr: (facts) => lines([`Zookeeper version: ${VERSION}`, ...serverLines(facts)]),
  mntr: (facts) => lines(Object.entries(measures(facts)).map(([name, value]) => `zk_${name}\t${value}`)),
  conf: (facts) => lines(Object.entries(configuration(facts)).map(([name, value]) => `${name}=${value}`)),
  cons: (facts, asker) => lines([...[...facts.connections].map((each) => connectionLine(each, asker, false)), '']),
  dump: (facts) => lines(dumped(facts)),
  dirs: ({ server }) => lines([`datadir_size: ${server.tree.clientBytes}`, `logdir_size: ${server.tree.clientBytes}`]),
  wchs: ({ server }) => lines(watchSummary(server.tree.dataWatches)),
  wchc: ({ server }) => lines([...watchesByConnection(server.tree.dataWatches), '']),
  wchp: ({ server }) => lines([...watchesByPath(server.tree.dataWatches), '']),
}

/** Text that answers a word. Builds the tree if it must. */
export function answerToWord(
  word: Word,
  rest: Buffer,
  facts: WordFacts,
  asker: ClientConnection,
): string | Promise<string> {
  const plain = plainAnswers[word]
  if (plain !== undefined) return plain(facts, asker, rest)
  const answer = () => answers[word]?.(facts, asker, rest) ?? ''
  if (facts.server.isLoaded) return answer()
  return facts.server.load().then(answer, (error: unknown) => {
    facts.server.warnings.warn({ err: error }, 'ZooKeeper nodes could not be loaded')
    return lines(['This ZooKeeper instance is not currently serving requests'])
  })
}

function lines(each: readonly string[]): string {
  return each.map((line) => `${line}\n`).join('')
}

function hex(id: bigint | number): string {
  return `0x${BigInt.asUintN(64, BigInt(id)).toString(16)}`
}

function serverLines({ server, traffic, connections }: WordFacts): string[] {
  return [
    `Latency min/avg/max: ${traffic.minMs}/${traffic.averageMs}/${traffic.maxMs}`,
    `Received: ${traffic.received}`,
    `Sent: ${traffic.sent}`,
    `Connections: ${connections.size}`,
    `Outstanding: ${outstanding(connections)}`,
    `Zxid: ${hex(server.lastZxid)}`,
    'Mode: standalone',
    `Node count: ${server.tree.size}`,
  ]
}

function outstanding(connections: Iterable<ClientConnection>): number {
  let sum = 0
  for (const connection of connections) sum += connection.outstanding
  return sum
}

function measures({ server, traffic, connections }: WordFacts): Record<string, string | number> {
  const { tree } = server
  let ephemerals = 0
  for (const paths of tree.ephemerals.values()) ephemerals += paths.size
  return {
    version: VERSION,
    avg_latency: traffic.averageMs,
    max_latency: traffic.maxMs,
    min_latency: traffic.minMs,
    packets_received: traffic.received,
    packets_sent: traffic.sent,
    num_alive_connections: connections.size,
    outstanding_requests: outstanding(connections),
    server_state: 'standalone',
    znode_count: tree.size,
    watch_count: tree.dataWatches.count + tree.childWatches.count,
    ephemerals_count: ephemerals,
    approximate_data_size: tree.clientBytes,
  }
}

function configuration({ port, server, dataDirectory }: WordFacts): Record<string, string | number> {
  return {
    clientPort: port,
    secureClientPort: -1,
    dataDir: dataDirectory,
    dataDirSize: server.tree.clientBytes,
    dataLogDir: dataDirectory,
    dataLogSize: server.tree.clientBytes,
    tickTime: TICK_MS,
    maxClientCnxns: limits.connections,
    minSessionTimeout: negotiatedTimeoutMs(0),
    maxSessionTimeout: negotiatedTimeoutMs(Number.POSITIVE_INFINITY),
    serverId: 0,
  }
}

function environment(hostName: string): string[] {
  const known: Readonly<Record<string, string>> = { 'zookeeper.version': VERSION, 'host.name': hostName }
  const names = [
    ...['zookeeper.version', 'host.name', 'java.version', 'java.vendor', 'java.home', 'java.class.path'],
    ...['java.library.path', 'java.io.tmpdir', 'java.compiler', 'os.name', 'os.arch', 'os.version', 'user.name'],
    ...['user.home', 'user.dir', 'os.memory.free', 'os.memory.max', 'os.memory.total'],
  ]
  return names.map((name) => `${name}=${known[name] ?? UNKNOWN}`)
}

/** Source: ServerCnxn.dumpConnectionInfo. */
function connectionLine(connection: ClientConnection, asker: ClientConnection, isBrief: boolean): string {
  const { peer, traffic, session, last } = connection
  const interest = connection === asker || !connection.isReading ? 0 : 1
  const counts = `queued=${connection.outstanding},recved=${traffic.received},sent=${traffic.sent}`
  const more =
    isBrief || session === undefined
      ? ''
      : `,sid=${hex(session.id)},lop=${last.operation},est=${connection.establishedMs},to=${session.timeoutMs}` +
        (last.xid >= 0 ? `,lcxid=${hex(last.xid)}` : '') +
        `,lzxid=${hex(last.zxid)},lresp=${Math.floor(last.atMs)},llat=${last.afterMs}` +
        `,minlat=${traffic.minMs},avglat=${traffic.averageMs},maxlat=${traffic.maxMs}`
  return ` /${peer.remoteAddress}:${peer.remotePort}[${interest}](${counts}${more})`
}

function dumped(facts: WordFacts): string[] {
  const { server, connections } = facts
  const sessions = [...server.sessions.all].map(({ id, expiresMs }) => ({ text: hex(id), atMs: expiresMs }))
  const ephemerals = server.tree.ephemerals
  const nowMs = facts.monotonicMs()
  const ofConnections = [...connections].map(({ peer, session }) => {
    const text = `ip: /${peer.remoteAddress}:${peer.remotePort} sessionId: ${hex(session?.id ?? 0n)}`
    return { text, atMs: session?.expiresMs ?? nowMs + limits.connectMs }
  })
  return [
    'SessionTracker dump:',
    ...expirySets('Session', sessions, facts),
    'ephemeral nodes dump:',
    `Sessions with Ephemerals (${ephemerals.size}):`,
    ...[...ephemerals].flatMap(([id, paths]) => [`${hex(id)}:`, ...[...paths].map((path) => `\t${path}`)]),
    'Connections dump:',
    ...expirySets('Connections', ofConnections, facts),
  ]
}

/** Source: ExpiryQueue.dump. */
function expirySets(
  name: string,
  elements: readonly { readonly text: string; readonly atMs: number }[],
  { nowMs, monotonicMs }: WordFacts,
): string[] {
  const sets = new Map<number, string[]>()
  for (const { text, atMs } of elements) sets.set(atMs, [...(sets.get(atMs) ?? []), text])
  const ordered = [...sets].sort(([a], [b]) => a - b)
  const date = (atMs: number) => javaDate(nowMs() + Math.round(atMs - monotonicMs()))
  return [
    `${name} Sets (${sets.size})/(${elements.length}):`,
    ...ordered.flatMap(([atMs, texts]) => [
      `${texts.length} expire at ${date(atMs)}:`,
      ...texts.map((text) => `\t${text}`),
    ]),
  ]
}

/** As Java's Date.toString: `Thu Jan 01 00:00:00 UTC 2026`. */
function javaDate(timeMs: number): string {
  const [day = '', date = '', month = '', year = '', time = ''] = new Date(timeMs).toUTCString().split(/,? /)
  return `${day} ${month} ${date} ${time} UTC ${year}`
}

function watchSummary(watches: Watches): string[] {
  return [
    `${watches.byWatcher.size} connections watching ${watches.byPath.size} paths`,
    `Total watches:${watches.count}`,
  ]
}

function watchesByConnection({ byWatcher }: Watches): string[] {
  return [...byWatcher].flatMap(([{ sessionId }, paths]) => [hex(sessionId), ...[...paths].map((path) => `\t${path}`)])
}

function watchesByPath({ byPath }: Watches): string[] {
  return [...byPath].flatMap(([path, watchers]) => [
    path,
    ...[...watchers].map(({ sessionId }) => `\t${hex(sessionId)}`),
  ])
}
