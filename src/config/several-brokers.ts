/*
 * Several brokers in one process have one settings file. It describes the first broker; the others have the next node
 * ids, the next ports, and their own racks and advertised addresses.
 */
import { type Advertising, advertisedBy, advertisedSettings, firstAdvertised } from './advertised-addresses.ts'
import { portsOfBrokers } from './broker-ports.ts'
import { InvalidSetting, invalidValue } from './config-value.ts'
import { inUrl, type Listeners } from './listeners.ts'

/** Settings about the number of brokers. Apache Kafka has none of them. */
export const severalBrokers = { count: 'num.brokers', racks: 'broker.racks' } as const

/**
 * Kafka's default for topics with the state of coordinators. With one broker Ottla's is 1; with several, a coordinator
 * must survive its broker.
 */
const COORDINATOR_REPLICAS = 3

/** Each broker has its listeners, connections and timers; more of them test nothing that fewer do not. */
export const MOST_BROKERS = 100

/** Ids are 32 bits, signed. */
const LARGEST_ID = 2 ** 31 - 1

type Properties = ReadonlyMap<string, string>

/** num.brokers; undefined: not set, which means 1. */
export function brokerCountIn(properties: Properties): number | undefined | InvalidSetting {
  const text = properties.get(severalBrokers.count)?.trim()
  if (text === undefined) return undefined
  const count = /^\d+$/.test(text) ? Number(text) : 0
  if (count >= 1 && count <= MOST_BROKERS) return count
  return invalidValue(severalBrokers.count, text, `it must be a number from 1 to ${MOST_BROKERS}`)
}

/** The rack of each broker from broker.racks; undefined: not set. */
export function racksIn(properties: Properties, brokerCount: number): readonly string[] | undefined | InvalidSetting {
  const text = properties.get(severalBrokers.racks)?.trim()
  if (text === undefined || text === '') return undefined
  const racks = text.split(',').map((rack) => rack.trim())
  const fault = rackFault(racks)
  if (fault !== undefined) return invalidValue(severalBrokers.racks, text, fault)
  if (properties.has('broker.rack'))
    return invalidValue(severalBrokers.racks, text, 'broker.rack is set, too; remove one of the two')
  if (racks.length === brokerCount) return racks
  const [has, brokers] = [counted(racks.length, 'rack'), counted(brokerCount, 'broker')]
  return invalidValue(severalBrokers.racks, text, `it names ${has} for ${brokers}; name one for each`)
}

/** broker.racks with these racks. */
export function racksText(racks: readonly string[]): string | InvalidSetting {
  const text = racks.join(',')
  const fault = rackFault(racks)
  return fault === undefined ? text : invalidValue(severalBrokers.racks, text, fault)
}

function rackFault(racks: readonly string[]): string | undefined {
  if (racks.some((rack) => rack.trim() === '')) return 'a rack has no name'
  const withComma = racks.find((rack) => rack.includes(','))
  return withComma === undefined ? undefined : `the rack ${withComma} has a comma in its name`
}

/** The settings of the first broker: its rack, and advertised ports of the pattern `host:port+n` with n = 0. */
export function ofFirstBroker(
  properties: Properties,
  racks: readonly string[] | undefined,
): Properties | InvalidSetting {
  const given = properties.get('advertised.listeners')
  const advertised = given === undefined ? undefined : firstAdvertised(given)
  if (advertised instanceof InvalidSetting) return advertised
  return new Map([...ofEach(properties), ...ownSettings({ advertised, rack: racks?.[0] })])
}

/** Defaults that follow from the number of brokers. */
export function defaultsFor(brokerCount: number): Properties {
  if (brokerCount === 1) return new Map()
  const replicas = Math.min(COORDINATOR_REPLICAS, brokerCount)
  return new Map([
    ['offsets.topic.replication.factor', String(replicas)],
    ['transaction.state.log.replication.factor', String(replicas)],
    // One broker may go. Kafka's value for three.
    ['transaction.state.log.min.isr', String(replicas - 1)],
  ])
}

/** What the settings of further brokers follow from. */
export interface FirstBroker {
  readonly properties: Properties
  readonly listeners: Listeners
  /** Brokers at the start. */
  readonly brokerCount: number
  /** Ports that other settings name. */
  readonly taken: readonly number[]
  /** The machine's host name. */
  readonly hostName: string | undefined
}

/** What does not follow from the first broker's settings. */
export interface FurtherBroker {
  /** Undefined: the one that is n after the first broker's. */
  readonly nodeId?: number | undefined
  /** Undefined: broker.rack, if it is set. */
  readonly rack?: string | undefined
}

/**
 * The settings of the broker after n others: node.id, ports, rack, advertised addresses. Controller listeners are the
 * first broker's alone.
 */
export function ofFurtherBroker(n: number, own: FurtherBroker, first: FirstBroker): Properties | InvalidSetting {
  const { rack } = own
  const fault = rack === undefined ? undefined : rackFault([rack])
  if (fault !== undefined) return invalidValue('broker.rack', rack!, fault)
  const nodeId = own.nodeId ?? nodeIdAfter(n, first.properties)
  if (nodeId !== undefined && nodeId > LARGEST_ID)
    return new InvalidSetting(`node.id=${LARGEST_ID} is the last: no id is left for another broker`)
  const brokers = advertisingOf(Math.max(first.brokerCount, n + 1), first)
  if (brokers instanceof InvalidSetting) return brokers
  const advertised = advertisedBy(n, brokers)
  if (advertised instanceof InvalidSetting) return advertised
  const ports = brokers.ports[n]!
  const listeners = first.listeners.listening.map(({ name, host }, index) => `${name}://${inUrl(host)}:${ports[index]}`)
  const shared = [...ofEach(first.properties)].filter(([name]) => !isAdvertised(name))
  return new Map([
    ...shared,
    ...ownSettings({ nodeId: nodeId?.toString(), advertised, rack }),
    ['listeners', listeners.join(',')],
    ['process.roles', 'broker'],
  ])
}

/** Without the settings about the number of brokers, which Apache Kafka does not describe to its clients. */
function ofEach(properties: Properties): Properties {
  const dropped: readonly string[] = Object.values(severalBrokers)
  return new Map([...properties].filter(([name]) => !dropped.includes(name)))
}

function isAdvertised(name: string): boolean {
  return (advertisedSettings as readonly string[]).includes(name)
}

function nodeIdAfter(n: number, properties: Properties): number | undefined {
  const first = properties.get('node.id') ?? properties.get('broker.id')
  return first === undefined ? undefined : Number(first) + n
}

function advertisingOf(brokerCount: number, first: FirstBroker): Advertising | InvalidSetting {
  const { listening, controller } = first.listeners
  const named = [...listening, ...controller].map(({ port }) => port)
  const ports = portsOfBrokers(listening, brokerCount, [...first.taken, ...named])
  return ports instanceof InvalidSetting ? ports : { ...first, ports }
}

function ownSettings(own: { nodeId?: string | undefined; advertised: string | undefined; rack: string | undefined }) {
  const settings: [string, string][] = []
  if (own.nodeId !== undefined) settings.push(['node.id', own.nodeId], ['broker.id', own.nodeId])
  if (own.advertised !== undefined) settings.push(['advertised.listeners', own.advertised])
  if (own.rack !== undefined) settings.push(['broker.rack', own.rack])
  return settings
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`
}
