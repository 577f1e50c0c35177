/*
 * Several brokers in one process have one settings file. It describes the first broker; the others have the next node
 * ids, the next ports, and their own racks and advertised addresses.
 */
import { InvalidSetting, invalidValue } from './config-value.ts'
import { inUrl, LARGEST_PORT, type ListenerAddress, type Listeners } from './listeners.ts'

/** Settings about the number of brokers. Apache Kafka has none of them. */
export const severalBrokers = { count: 'num.brokers', racks: 'broker.racks' } as const

/**
 * Kafka's default for topics with the state of coordinators. With one broker Ottla's is 1; with several, a coordinator
 * must survive its broker.
 */
const COORDINATOR_REPLICAS = 3

/** Each broker has its listeners, connections and timers; more of them test nothing that fewer do not. */
const MOST_BROKERS = 100

type Properties = ReadonlyMap<string, string>

/** num.brokers; undefined: not set, which means 1. */
export function brokerCountIn(properties: Properties): number | undefined | InvalidSetting {
  const text = properties.get(severalBrokers.count)?.trim()
  if (text === undefined || text === '') return undefined
  const count = /^\d+$/.test(text) ? Number(text) : 0
  if (count >= 1 && count <= MOST_BROKERS) return count
  return invalidValue(severalBrokers.count, text, `it must be a number from 1 to ${MOST_BROKERS}`)
}

/** The rack of each broker from broker.racks; undefined: not set. */
export function racksIn(properties: Properties, brokerCount: number): readonly string[] | undefined | InvalidSetting {
  const text = properties.get(severalBrokers.racks)?.trim()
  if (text === undefined || text === '') return undefined
  const racks = text.split(',').map((rack) => rack.trim())
  if (racks.includes('')) return invalidValue(severalBrokers.racks, text, 'a rack has no name')
  if (properties.has('broker.rack'))
    return invalidValue(severalBrokers.racks, text, 'broker.rack is set, too; remove one of the two')
  if (racks.length === brokerCount) return racks
  const [has, brokers] = [counted(racks.length, 'rack'), counted(brokerCount, 'broker')]
  return invalidValue(severalBrokers.racks, text, `it names ${has} for ${brokers}; name one for each`)
}

/** The settings of the first broker: its rack, and advertised ports of the pattern `host:port+n` with n = 0. */
export function ofFirstBroker(
  properties: Properties,
  racks: readonly string[] | undefined,
  brokerCount: number,
): Properties | InvalidSetting {
  const advertised = advertisedFor(properties.get('advertised.listeners'), 0)
  const old = properties.get('advertised.host.name')
  if (brokerCount > 1 && advertised === undefined && old !== undefined)
    return invalidValue(
      'advertised.host.name',
      old,
      `with ${severalBrokers.count}=${brokerCount}, set advertised.listeners=PLAINTEXT://${old}:9092+n instead: n is 0 for the first broker, 1 for the next`,
    )
  if (brokerCount > 1 && advertised?.isPattern === false)
    return invalidValue(
      'advertised.listeners',
      advertised.text,
      `${severalBrokers.count}=${brokerCount}, and all brokers would be advertised at the same address; write the port as ${example(advertised.text)}: n is 0 for the first broker, 1 for the next`,
    )
  return new Map([...ofEach(properties), ...ownSettings({ advertised: advertised?.text, rack: racks?.[0] })])
}

/** Defaults that follow from the number of brokers. */
export function defaultsFor(brokerCount: number): Properties {
  if (brokerCount === 1) return new Map()
  return new Map([['offsets.topic.replication.factor', String(Math.min(COORDINATOR_REPLICAS, brokerCount))]])
}

/** Without the settings about the number of brokers, which Apache Kafka does not describe to its clients. */
function ofEach(properties: Properties): Properties {
  const dropped: readonly string[] = Object.values(severalBrokers)
  return new Map([...properties].filter(([name]) => !dropped.includes(name)))
}

/**
 * The settings of the broker after n others: node.id, ports, rack, advertised addresses. Controller listeners are the
 * first broker's alone. taken: ports that other settings name.
 */
export function ofFurtherBroker(
  properties: Properties,
  { listening, controller }: Listeners,
  n: number,
  { rack, taken }: { readonly rack: string | undefined; readonly taken: readonly number[] },
): Properties | InvalidSetting {
  const ports = portsOf(listening, n, [...taken, ...[...listening, ...controller].map(({ port }) => port)])
  if (ports instanceof InvalidSetting) return ports
  const listeners = listening.map(({ name, host }, index) => `${name}://${inUrl(host)}:${ports[index]!}`)
  const firstId = properties.get('node.id') ?? properties.get('broker.id')
  const nodeId = firstId === undefined ? undefined : String(Number(firstId) + n)
  const advertised = advertisedFor(properties.get('advertised.listeners'), n)?.text
  return new Map([
    ...ofEach(properties),
    ...ownSettings({ nodeId, advertised, rack }),
    ['listeners', listeners.join(',')],
    ['process.roles', 'broker'],
  ])
}

function ownSettings(own: { nodeId?: string | undefined; advertised: string | undefined; rack: string | undefined }) {
  const settings: [string, string][] = []
  if (own.nodeId !== undefined) settings.push(['node.id', own.nodeId], ['broker.id', own.nodeId])
  if (own.advertised !== undefined) settings.push(['advertised.listeners', own.advertised])
  if (own.rack !== undefined) settings.push(['broker.rack', own.rack])
  return settings
}

/**
 * The port of each listener of the broker after n others: each broker in turn takes, for each of its listeners, the next
 * port that no setting names and no broker has. Port 0 stays 0: any.
 */
function portsOf(
  listening: readonly ListenerAddress[],
  n: number,
  named: readonly number[],
): readonly number[] | InvalidSetting {
  const taken = new Set(named)
  let ports = listening.map(({ port }) => port)
  for (let broker = 1; broker <= n; broker++) {
    ports = ports.map((port) => {
      if (port === 0) return 0
      let next = port + 1
      while (taken.has(next)) next++
      taken.add(next)
      return next
    })
  }
  const tooLarge = ports.findIndex((port) => port > LARGEST_PORT)
  if (tooLarge === -1) return ports
  const { name, host, port } = listening[tooLarge]!
  return invalidValue('listeners', `${name}://${inUrl(host)}:${port}`, `no port is left after it for broker ${n + 1}`)
}

/** advertised.listeners of the broker with this n. isPattern: true if each port depends on n. */
function advertisedFor(text: string | undefined, n: number) {
  if (text === undefined || text.trim() === '') return undefined
  const addresses = text.split(',').map((address) => address.trim())
  const pattern = /:(\d+)\+n$/
  return {
    text: addresses.map((address) => address.replace(pattern, (_, port) => `:${Number(port) + n}`)).join(','),
    isPattern: addresses.every((address) => pattern.test(address)),
  }
}

/** `host:9092+n` for the first address. */
function example(advertised: string): string {
  const [first = ''] = advertised.split(',')
  return `${first.replace(/^[^:]*:\/\//, '').replace(/\+n$/, '')}+n`
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`
}
