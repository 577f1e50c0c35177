import type { Logger } from '../observe/logger.ts'

/** Connection limits for each client address, under their Kafka names. */
export interface AddressLimitSettings {
  /** max.connections.per.ip. */
  readonly maxConnectionsPerIp: number
  /** max.connections.per.ip.overrides: `host:count,...`. */
  readonly maxConnectionsPerIpOverrides: string
}

/** Parses max.connections.per.ip.overrides into hosts and counts. Source: Csv.parseCsvMap. */
function hostCounts(text: string): (readonly [host: string, count: number])[] {
  const pairs = text.split(',').filter((pair) => pair.trim() !== '')
  return pairs.map((pair) => {
    const at = pair.lastIndexOf(':')
    return [pair.slice(0, at).trim(), Number(pair.slice(at + 1))] as const
  })
}

/** Connection limits by client address. Host names in the overrides are resolved once, when they are set. */
export class AddressLimits {
  readonly #settings: () => AddressLimitSettings
  readonly #lookUp: (host: string) => Promise<readonly string[]>
  readonly #logger: Logger
  #text = ''
  #overrides: ReadonlyMap<string, number> = new Map()

  constructor(parts: {
    settings: () => AddressLimitSettings
    lookUp: (host: string) => Promise<readonly string[]>
    logger: Logger
  }) {
    this.#settings = parts.settings
    this.#lookUp = parts.lookUp
    this.#logger = parts.logger
  }

  /** The limit of an address and the setting it comes from. */
  of(address: string): { readonly setting: string; readonly count: number } {
    const count = this.#overrides.get(address)
    if (count !== undefined) return { setting: 'max.connections.per.ip.overrides', count }
    return { setting: 'max.connections.per.ip', count: this.#settings().maxConnectionsPerIp }
  }

  /** Applies the current overrides. Resolves when all host names are resolved. */
  async refresh(): Promise<void> {
    const text = this.#settings().maxConnectionsPerIpOverrides
    if (text === this.#text) return
    this.#text = text
    const found = await Promise.all(
      hostCounts(text).map(async ([host, count]) =>
        (await this.#addressesOf(host)).map((each) => [each, count] as const),
      ),
    )
    // A later change may have finished first.
    if (text === this.#text) this.#overrides = new Map(found.flat())
  }

  async #addressesOf(host: string): Promise<readonly string[]> {
    const literal = literalAddress(host)
    if (literal !== undefined) return [literal]
    try {
      return await this.#lookUp(host)
    } catch (error) {
      this.#logger.warn(
        { host, err: error },
        `max.connections.per.ip.overrides contains ${host}, which cannot be resolved: max.connections.per.ip applies to it`,
      )
      return []
    }
  }
}

/** The address as connections show it; undefined for a host name. */
function literalAddress(host: string): string | undefined {
  if (/^\d+(\.\d+){3}$/.test(host)) return host
  if (!host.includes(':')) return undefined
  try {
    return new URL(`http://[${host.replace(/^\[|\]$/g, '')}]`).hostname.slice(1, -1)
  } catch {
    return undefined
  }
}
