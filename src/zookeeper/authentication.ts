import { createHash } from 'node:crypto'

/** Who a connection is, as it has proved. Compared with the entries of access control lists. */
export interface AuthId {
  readonly scheme: string
  readonly id: string
}

interface Provider {
  /** What a connection from that address is once it has sent `auth`. */
  readonly authenticate: (auth: Buffer, address: string) => string
  /** Whether an entry of an access control list can have that id. */
  readonly isValid: (id: string) => boolean
  /** Whether a connection that is `id` is meant by an entry's expression. */
  readonly matches: (id: string, expression: string) => boolean
  /** Whether scheme 'auth' in a list means these ids too. */
  readonly isAuthenticated: boolean
}

/** Source: DigestAuthenticationProvider, IPAuthenticationProvider. */
const providers: Readonly<Record<string, Provider>> = {
  __proto__: null as never,
  digest: {
    authenticate: (auth) => digestOf(auth),
    isValid: (id) => partsOf(id) === 2,
    matches: (id, expression) => id === expression,
    isAuthenticated: true,
  },
  ip: {
    authenticate: (_, address) => address,
    isValid: (id) => addressRange(id) !== undefined,
    matches: isInRange,
    isAuthenticated: false,
  },
}

/** The schemes that this server knows, besides world, which needs no proof. */
export function providerOf(scheme: string): Provider | undefined {
  return providers[scheme]
}

/** Id of a connection from that address before it has proved anything. */
export function idOfAddress(address: string): AuthId {
  return { scheme: 'ip', id: address.replace(/^::ffff:/, '') }
}

/** `user:password` is known as user:base64(sha1(user:password)). */
function digestOf(auth: Buffer): string {
  const text = auth.toString('utf8')
  return `${text.split(':', 1)[0]}:${createHash('sha1').update(text).digest('base64')}`
}

/** Parts between colons as Java's split counts them: empty ones at the end do not count. */
function partsOf(id: string): number {
  return id === '' ? 1 : id.replace(/:+$/, '').split(':').length
}

/** An IPv4 address as a number, with the number of its bits that count: `10.0.0.0/8`. Undefined if invalid. */
function addressRange(text: string): { readonly address: number; readonly bits: number } | undefined {
  const [address = '', bitsText] = text.split(/\/(.*)/s, 2)
  const bytes = address.split('.').map(decimal)
  if (bytes.length !== 4 || bytes.some((byte) => byte === undefined || byte < 0 || byte > 255)) return undefined
  const bits = bitsText === undefined ? 32 : decimal(bitsText)
  if (bits === undefined || bits < 0 || bits > 32) return undefined
  return { address: bytes.reduce<number>((sum, byte) => sum * 256 + byte!, 0), bits }
}

/** As Java's Integer.parseInt. */
function decimal(text: string): number | undefined {
  return /^[+-]?\d{1,10}$/.test(text) ? Number(text) : undefined
}

function isInRange(id: string, expression: string): boolean {
  const range = addressRange(expression)
  const own = addressRange(id)
  if (range === undefined || own === undefined) return false
  const unit = 2 ** (32 - range.bits)
  return Math.floor(range.address / unit) === Math.floor(own.address / unit)
}
