import { InvalidSetting } from './config-value.ts'
import { listed } from './listed.ts'
import { commentHint } from './server-properties.ts'

/** One address in listeners or advertised.listeners. */
export interface ListenerAddress {
  /** In capitals, as in Kafka. */
  readonly name: string
  /** Empty: all interfaces. IPv6 without brackets. */
  readonly host: string
  readonly port: number
}

/** The addresses that a broker listens on, and those that it advertises. */
export interface Listeners {
  readonly listening: readonly ListenerAddress[]
  /** Listeners of the controller, which is in the same process. */
  readonly controller: readonly ListenerAddress[]
  /** By listener name. A listener that is not among them is advertised as it listens. */
  readonly advertised: ReadonlyMap<string, ListenerAddress>
  /** The same for listeners of the controller. */
  readonly advertisedControllers: ReadonlyMap<string, ListenerAddress>
}

const address = /^([a-zA-Z0-9_-]+):\/\/(?:\[([0-9a-fA-F:.%]+)\]|([^:/]*)):(-?\d+)$/

export const LARGEST_PORT = 65_535

/**
 * Reads the settings about listeners together. Source: SocketServerConfigs.listenerListToEndPoints,
 * KafkaConfig.validateValues.
 */
export function readListeners(settings: {
  readonly listeners: readonly string[]
  readonly advertisedListeners: readonly string[] | null
  readonly listenerSecurityProtocolMap: string
  readonly controllerListenerNames: readonly string[] | null
  readonly interBrokerListenerName: string | null
}): Listeners | InvalidSetting {
  const controllers = new Set((settings.controllerListenerNames ?? []).map((name) => name.toUpperCase()))
  const all = addressesOf('listeners', settings.listeners)
  if (all instanceof InvalidSetting) return all
  const advertised = addressesOf('advertised.listeners', settings.advertisedListeners ?? [])
  if (advertised instanceof InvalidSetting) return advertised
  const listening = all.filter(({ name }) => !controllers.has(name))
  const controller = all.filter(({ name }) => controllers.has(name))
  const forClients = advertised.filter(({ name }) => !controllers.has(name))
  const advertisedControllers = advertised.filter(({ name }) => controller.some((each) => each.name === name))
  return (
    noClientListener(listening, settings.listeners) ??
    unknownName(listening, forClients) ??
    unreachable([...forClients, ...advertisedControllers]) ??
    noInterBrokerListener(listening, settings.interBrokerListenerName) ??
    unsupported([...listening, ...controller], protocolMap(settings.listenerSecurityProtocolMap, controllers)) ?? {
      listening,
      controller,
      advertised: byName(forClients),
      advertisedControllers: byName(advertisedControllers),
    }
  )
}

/** Address of the first listener for a command in a log line: `localhost:9092`. */
export function bootstrapServer({ listening }: Listeners): string {
  const [listener] = listening
  return `${listener?.host || 'localhost'}:${listener?.port ?? 9092}`
}

function noClientListener(listening: readonly ListenerAddress[], texts: readonly string[]): InvalidSetting | undefined {
  if (listening.length > 0) return undefined
  const because =
    'all of them are in controller.listener.names, so clients have none; add one such as PLAINTEXT://:9092'
  return refused('listeners', texts.join(','), because)
}

function addressesOf(setting: string, texts: readonly string[]): ListenerAddress[] | InvalidSetting {
  const addresses: ListenerAddress[] = []
  for (const text of texts) {
    const match = address.exec(text)
    const port = Number(match?.[4])
    if (match === null) return refused(setting, text, 'it must be NAME://host:port')
    if (port < 0 || port > LARGEST_PORT) return refused(setting, text, `a port is a number from 0 to ${LARGEST_PORT}`)
    addresses.push({ name: match[1]!.toUpperCase(), host: match[2] ?? match[3] ?? '', port })
  }
  const names = addresses.map(({ name }) => name)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) return refused(setting, texts.join(','), 'each listener must have a different name')
  return addresses
}

function refused(setting: string, text: string, because: string): InvalidSetting {
  return new InvalidSetting(`Invalid value ${text} for configuration ${setting}: ${because}${commentHint(text)}`)
}

function unknownName(
  own: readonly ListenerAddress[],
  forClients: readonly ListenerAddress[],
): InvalidSetting | undefined {
  const strangers = forClients.filter(({ name }) => !own.some((each) => each.name === name)).map(({ name }) => name)
  if (strangers.length === 0) return undefined
  const verb = strangers.length === 1 ? 'names' : 'name'
  return new InvalidSetting(
    `advertised.listeners=${textOf(forClients)} ${verb} ${listed(strangers)}, which listeners=${textOf(own)} does not have: use the same names in both`,
  )
}

/** The host as it stands in an address: IPv6 in brackets. */
export function inUrl(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}

/** True if the host of a listener stands for all interfaces. */
export function isWildcard(host: string): boolean {
  return ['', '0.0.0.0', '::'].includes(host)
}

/** True if only clients on this machine reach the host. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d+){3}$/.test(host)
}

function unreachable(forClients: readonly ListenerAddress[]): InvalidSetting | undefined {
  const nowhere = forClients.find(({ host }) => isWildcard(host))
  if (nowhere === undefined) return undefined
  const because = 'clients cannot connect to a wildcard address; set the host name or address that they should use'
  return refused('advertised.listeners', textOf([nowhere]), because)
}

function noInterBrokerListener(own: readonly ListenerAddress[], wanted: string | null): InvalidSetting | undefined {
  if (wanted === null || own.some(({ name }) => name === wanted.toUpperCase())) return undefined
  const because = `listeners=${textOf(own)} has no listener of that name; use one of ${listed(own.map(({ name }) => name))}, or remove the setting`
  return refused('inter.broker.listener.name', wanted, because)
}

function textOf(addresses: readonly ListenerAddress[]): string {
  return addresses.map(({ name, host, port }) => `${name}://${inUrl(host)}:${port}`).join(',')
}

function byName(addresses: readonly ListenerAddress[]): ReadonlyMap<string, ListenerAddress> {
  return new Map(addresses.map((each) => [each.name, each]))
}

/** A controller listener that the map does not contain is PLAINTEXT. Source: effectiveListenerSecurityProtocolMap. */
function protocolMap(map: string, controllers: ReadonlySet<string>): ReadonlyMap<string, string> {
  const pairs = map.split(',').map((pair) => pair.trim().toUpperCase().split(':'))
  const plain = [...controllers].map((name) => [name, 'PLAINTEXT'] as const)
  return new Map([...plain, ...pairs.map(([name, protocol]) => [name ?? '', protocol ?? ''] as const)])
}

/** What Ottla lacks for each of Kafka's security protocols. */
const missingFor: Readonly<Record<string, string>> = { SSL: 'TLS', SASL_PLAINTEXT: 'SASL', SASL_SSL: 'SASL and no TLS' }

function unsupported(
  own: readonly ListenerAddress[],
  protocolOf: ReadonlyMap<string, string>,
): InvalidSetting | undefined {
  for (const address of own) {
    const { name } = address
    const protocol = protocolOf.get(name)
    if (protocol === undefined)
      return refused('listeners', name, `listener.security.protocol.map has no protocol for ${name}`)
    const missing = missingFor[protocol]
    if (missing !== undefined) {
      const because = `Ottla has no ${missing} yet; set a PLAINTEXT listener to start without that protection`
      return refused('listeners', textOf([address]), because)
    }
    if (protocol !== 'PLAINTEXT')
      return refused(
        'listener.security.protocol.map',
        `${name}:${protocol}`,
        'no such protocol; Ottla supports PLAINTEXT',
      )
  }
  return undefined
}
