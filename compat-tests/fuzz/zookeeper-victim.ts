import { SimulatedTransport } from '../../src/network/simulated-transport.ts'
import type { Logger } from '../../src/observe/logger.ts'
import type { BrokerChange, BrokerNodes, BrokerTree, NodeChange } from '../../src/zookeeper/broker-nodes.ts'
import { ZooKeeperEndpoint } from '../../src/zookeeper/endpoint.ts'
import type { ErrorName } from '../../src/zookeeper/error-codes.ts'
import { MemoryNodeStore } from '../../src/zookeeper/memory-node-store.fixture.ts'
import { opCodes as op } from '../../src/zookeeper/op-codes.ts'
import { bodies, readStat, TestClient } from '../../src/zookeeper/test-client.fixture.ts'
import type { SeededRandom } from '../../storage/host/seeded-random.ts'
import { SimulatedHost } from '../../storage/host/simulated-host.ts'
import { Finding } from './kind.ts'

const PORT = 2181
const OWN = '/of-the-bystander'

/** An endpoint in virtual time, with topics of a broker, and a well-behaved client. */
export class ZooKeeperVictim {
  readonly host: SimulatedHost
  readonly transport: SimulatedTransport
  readonly store = new MemoryNodeStore()
  readonly #faults: string[] = []
  #endpoint: ZooKeeperEndpoint
  #bystander!: TestClient
  #written = 0
  #longestTurnMs = 0

  constructor(seed: number) {
    this.host = new SimulatedHost(seed)
    this.host.onTurn = (cpuMs) => {
      this.#longestTurnMs = Math.max(this.#longestTurnMs, cpuMs)
    }
    // Some appends take a while, so that requests of others come in between.
    this.store.beforeAppend = () => (this.host.random.oneIn(3) ? this.#wait(this.host.random.below(5)) : undefined)
    this.transport = new SimulatedTransport(this.host.timers)
    this.#endpoint = this.#newEndpoint()
  }

  async start(): Promise<this> {
    await this.host.settle(this.#endpoint.listen('localhost', PORT))
    this.#bystander = await this.dial()
    await this.host.settle(this.#bystander.connect({ timeoutMs: 60_000 }))
    await this.#ask(op.create, bodies.create(OWN, '0'))
    return this
  }

  dial(): Promise<TestClient> {
    return TestClient.dial((client) => this.#connection(client))
  }

  /** What was logged as an error since the last call. */
  takeFaults(): string[] {
    const { fatalReason } = this.host
    return [...this.#faults.splice(0), ...(fatalReason === undefined ? [] : [`fatal: ${fatalReason.stack}`])]
  }

  takeLongestTurnMs(): number {
    const longest = this.#longestTurnMs
    this.#longestTurnMs = 0
    return longest
  }

  /** The bystander writes its node and reads it back. Throws Finding. */
  async checkBystander(): Promise<void> {
    const text = `${++this.#written}`
    await this.#ask(op.setData, bodies.setData(OWN, text))
    const { body } = await this.#ask(op.getData, bodies.pathAndWatch(OWN))
    const got = body.string()
    if (got !== text) throw new Finding(`the bystander wrote '${text}' and got '${got}' back`)
  }

  /** What is stored is what clients saw: the nodes after a restart are those before it. Throws Finding. */
  async checkRestart(): Promise<void> {
    const before = await this.#nodes()
    await this.host.settle(this.#endpoint.stop())
    this.#endpoint = this.#newEndpoint()
    await this.host.settle(this.#endpoint.listen('localhost', PORT))
    this.#bystander = await this.dial()
    await this.host.settle(this.#bystander.connect({ timeoutMs: 60_000 }))
    const after = await this.#nodes()
    for (const path of new Set([...before.keys(), ...after.keys()]))
      if (before.get(path) !== after.get(path))
        throw new Finding(`${path} is ${before.get(path)} before and ${after.get(path)} after a restart`)
    await this.host.settle(this.#endpoint.stop())
  }

  async #ask(type: number, body: Buffer) {
    const answer = await this.host.settle(this.#bystander.call(type, body))
    if (answer.error !== 'OK') throw new Finding(`the bystander’s request ${type} is answered ${answer.error}`)
    return answer
  }

  /** Lasting nodes that everyone may read, with what stays the same over a restart. */
  async #nodes(path = '/', found = new Map<string, string>()): Promise<Map<string, string>> {
    const stat = readStat((await this.#ask(op.exists, bodies.pathAndWatch(path))).body)
    const { error, body } = await this.host.settle(this.#bystander.call(op.getData, bodies.pathAndWatch(path)))
    const data = error === 'OK' ? body.buffer()?.toString('hex') : error
    if (stat.ephemeralOwner !== 0n || brokers.includes(path)) return found
    // Children leave traces in their parents, which are not stored if the children are ephemeral.
    const { czxid, mzxid, ctimeMs, mtimeMs, version, aversion } = stat
    found.set(path, `${data} ${JSON.stringify({ czxid, mzxid, ctimeMs, mtimeMs, version, aversion })}`)
    const children = await this.host.settle(this.#bystander.call(op.getChildren, bodies.pathAndWatch(path)))
    if (children.error !== 'OK') return found
    for (const name of children.body.vector(4, (reader) => reader.string()!) ?? [])
      await this.#nodes(path === '/' ? `/${name}` : `${path}/${name}`, found)
    return found
  }

  #newEndpoint(): ZooKeeperEndpoint {
    const error = (fields: { err?: Error }, message: string) =>
      this.#faults.push(`${message}: ${fields.err?.stack ?? JSON.stringify(fields)}`)
    // A request that throws is logged as a warning with its stack.
    const warn = (fields: { err?: Error }, message: string) => fields.err !== undefined && error(fields, message)
    const logger = { error, warn, info() {}, debug() {} } as Logger
    const { host, transport, store } = this
    const nodes = new Topics(host.random, (delayMs) => this.#wait(delayMs))
    return new ZooKeeperEndpoint({ host, transport, store, logger, nodes, firstZxid: this.#written + 1 })
  }

  #connection(client: { onBytes(chunk: Buffer): void; onClose(): void }) {
    const connection = this.transport.connect(PORT, client)
    return { send: (bytes: Buffer) => connection.send(bytes), close: () => connection.close() }
  }

  #wait(delayMs: number): Promise<void> {
    return new Promise((resolve) => this.host.timers.after(delayMs, resolve))
  }
}

/** The broker makes them anew. */
const brokers = ['/topics', '/address', '/controller']

function isOfTopics(path: string): boolean {
  return /^\/topics\/[^/]+$/.test(path)
}

/** /topics/NAME is made and removed by a broker, after a while. */
class Topics implements BrokerNodes {
  readonly #random: SeededRandom
  readonly #wait: (delayMs: number) => Promise<void>
  #tree!: BrokerTree

  constructor(random: SeededRandom, wait: (delayMs: number) => Promise<void>) {
    this.#random = random
    this.#wait = wait
  }

  attach(tree: BrokerTree): Promise<void> {
    this.#tree = tree
    tree.put('/topics', null)
    tree.put('/address', ({ localAddress, localPort }) => Buffer.from(`${localAddress}:${localPort}`))
    tree.put('/controller', Buffer.from('1'), { isEphemeral: true })
    return Promise.resolve()
  }

  detach(): void {}

  meaningOf(change: NodeChange): BrokerChange | ErrorName | undefined {
    const { path } = change
    if (path.startsWith('/forbidden')) return 'NOAUTH'
    if (!isOfTopics(path)) return undefined
    return {
      carryOut: async () => {
        await this.#wait(this.#random.below(3))
        if (this.#random.oneIn(4)) return 'BADARGUMENTS'
        if (change.kind === 'delete') this.#tree.remove(path)
        else this.#tree.put(path, change.data)
        return undefined
      },
    }
  }
}
