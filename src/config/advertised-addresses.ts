/*
 * advertised.listeners names addresses of the first broker. The other brokers advertise the same hosts. A port that is
 * written as `port+n`, or is the listener's own, differs from the first broker's by as much as the port that the broker
 * listens on: so a plain forward of ports leads to the right broker.
 */
import { type InvalidSetting, invalidValue } from './config-value.ts'
import { inUrl, isLoopback, isWildcard, LARGEST_PORT, type ListenerAddress, type Listeners } from './listeners.ts'

/** What determines the advertised addresses of all brokers. */
export interface Advertising {
  readonly properties: ReadonlyMap<string, string>
  /** The first broker's. */
  readonly listeners: Listeners
  /** Port of each listener, by broker: of all that are to start, so that an advice helps all. */
  readonly ports: readonly (readonly number[])[]
  /** The machine's host name. */
  readonly hostName: string | undefined
}

/** Settings with advertised addresses. Kafka 4 dropped the old ones. */
export const advertisedSettings = ['advertised.listeners', 'advertised.host.name', 'advertised.port'] as const
const [SETTING, OLD_SETTING] = advertisedSettings

/** In place of a port that clients cannot use. */
const KAFKAS_PORT = 9092

/** advertised.listeners of the first broker: `host:port+n` is its `host:port`. */
export function firstAdvertised(text: string): string | InvalidSetting {
  if (/:0+\+n\s*(,|$)/.test(text))
    return invalidValue(SETTING, text, 'no client can use port 0; write the first broker’s port before +n')
  return text.replace(/:(\d+)\+n(?=\s*(,|$))/g, ':$1')
}

/** advertised.listeners of the broker after n others; undefined: it advertises where it listens. */
export function advertisedBy(n: number, brokers: Advertising): string | undefined | InvalidSetting {
  const own = advertisedAddresses(n, brokers)
  if (own.some(({ port }) => port > LARGEST_PORT))
    return refused(brokers, `no port is left for ${n + 1} brokers; set a lower port`)
  const others = new Set(Array.from({ length: n }, (_, other) => addressesOf(other, brokers).map(hostAndPort)).flat())
  const repeated = addressesOf(n, brokers)
    .map(hostAndPort)
    .find((address) => others.has(address))
  if (repeated !== undefined)
    return refused(brokers, `two brokers would be advertised at ${repeated}; ${remedy(brokers)}`)
  return own.length === 0 ? undefined : own.map(textOf).join(',')
}

function advertisedAddresses(n: number, brokers: Advertising): readonly ListenerAddress[] {
  const { listening, advertised } = brokers.listeners
  return listening.flatMap((listener, index) => {
    const first = advertised.get(listener.name)
    if (first === undefined) return []
    const port = isCounted(first, listener, brokers) ? first.port + portOffset(index, n, brokers) : first.port
    return [{ ...first, port }]
  })
}

/** All addresses at which clients look for the broker after n others, and for the controller at the first. */
function addressesOf(n: number, brokers: Advertising): readonly ListenerAddress[] {
  const { advertisedControllers } = brokers.listeners
  const controllers = n === 0 ? [...advertisedControllers.values()] : []
  return [...advertisedAddresses(n, brokers), ...boundAddresses(n, brokers), ...controllers]
}

/** Addresses of listeners that are advertised as they listen, if they are known before. */
function boundAddresses(n: number, { listeners: { listening, advertised }, ports }: Advertising) {
  return listening
    .map((listener, index) => ({ ...listener, port: ports[n]![index]! }))
    .filter(({ name, host, port }) => !advertised.has(name) && !isWildcard(host) && port !== 0)
}

/** How far the port of a listener is from the first broker's. */
function portOffset(index: number, n: number, { listeners: { listening }, ports }: Advertising): number {
  const first = listening[index]!.port
  return first === 0 ? n : ports[n]![index]! - first
}

function isCounted(first: ListenerAddress, listener: ListenerAddress, { properties, hostName }: Advertising): boolean {
  const addresses = (properties.get(SETTING) ?? '').split(',').map((address) => address.trim())
  const text = addresses.find((address) => address.toUpperCase().startsWith(`${first.name}://`))
  return text?.endsWith('+n') === true || isWhereItListens(first, listener, hostName)
}

/** True if clients that use this address reach the listener itself, as with Kafka's own settings file. */
function isWhereItListens(advertised: ListenerAddress, listener: ListenerAddress, hostName?: string): boolean {
  if (listener.port === 0 || advertised.port !== listener.port) return false
  const [host, own] = [advertised.host.toLowerCase(), listener.host.toLowerCase()]
  if (isWildcard(own)) return isLoopback(host) || host === hostName?.toLowerCase()
  return host === own || (isLoopback(host) && isLoopback(own))
}

function remedy(brokers: Advertising): string {
  const text = withAddressForEach(brokers)
  return text === undefined ? 'set a lower port and end it with +n' : `set ${SETTING}=${text} to count the ports up`
}

/** advertised.listeners with an address for each broker; undefined: there are too few ports. */
function withAddressForEach(brokers: Advertising): string | undefined {
  const { listening, advertised, advertisedControllers } = brokers.listeners
  const controllers = [...advertisedControllers.values()]
  const bound = brokers.ports.flatMap((_, n) => boundAddresses(n, brokers))
  const taken = new Set([...controllers, ...bound].map(hostAndPort))
  const texts: string[] = []
  for (const [index, { name }] of listening.entries()) {
    const first = advertised.get(name)
    if (first === undefined) continue
    const from = (port: number) =>
      brokers.ports.map((_, n) => ({ ...first, port: port + portOffset(index, n, brokers) }))
    let base = first.port || KAFKAS_PORT
    while (from(base).some((address) => taken.has(hostAndPort(address)))) base++
    if (from(base).some(({ port }) => port > LARGEST_PORT)) return undefined
    for (const address of from(base)) taken.add(hostAndPort(address))
    texts.push(`${textOf({ ...first, port: base })}+n`)
  }
  return [...texts, ...controllers.map(textOf)].join(',')
}

function refused({ properties }: Advertising, because: string): InvalidSetting {
  const name = properties.has(SETTING) ? SETTING : OLD_SETTING
  return invalidValue(name, properties.get(name) ?? null, `${because}, or remove the setting`)
}

function hostAndPort({ host, port }: ListenerAddress): string {
  return `${inUrl(host.toLowerCase())}:${port}`
}

function textOf({ name, host, port }: ListenerAddress): string {
  return `${name}://${inUrl(host)}:${port}`
}
