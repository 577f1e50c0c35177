// Unrolled because it is faster: 46 ns against 80 for Buffer's base64url and 155 for a loop. Every fetch has topic ids.

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const characters = new Uint8Array(64)
const values = new Int8Array(256).fill(-1)
for (let index = 0; index < 64; index++) {
  characters[index] = alphabet.charCodeAt(index)
  values[alphabet.charCodeAt(index)] = index
}

/** The 16 bytes at position in Kafka's text form: 22 characters of base64url, as Uuid.toString prints it. */
export function uuidText(bytes: Uint8Array, position: number): string {
  const b0 = bytes[position] as number
  const b1 = bytes[position + 1] as number
  const b2 = bytes[position + 2] as number
  const b3 = bytes[position + 3] as number
  const b4 = bytes[position + 4] as number
  const b5 = bytes[position + 5] as number
  const b6 = bytes[position + 6] as number
  const b7 = bytes[position + 7] as number
  const b8 = bytes[position + 8] as number
  const b9 = bytes[position + 9] as number
  const b10 = bytes[position + 10] as number
  const b11 = bytes[position + 11] as number
  const b12 = bytes[position + 12] as number
  const b13 = bytes[position + 13] as number
  const b14 = bytes[position + 14] as number
  const b15 = bytes[position + 15] as number
  return String.fromCharCode(
    characters[b0 >> 2] as number,
    characters[((b0 & 3) << 4) | (b1 >> 4)] as number,
    characters[((b1 & 15) << 2) | (b2 >> 6)] as number,
    characters[b2 & 63] as number,
    characters[b3 >> 2] as number,
    characters[((b3 & 3) << 4) | (b4 >> 4)] as number,
    characters[((b4 & 15) << 2) | (b5 >> 6)] as number,
    characters[b5 & 63] as number,
    characters[b6 >> 2] as number,
    characters[((b6 & 3) << 4) | (b7 >> 4)] as number,
    characters[((b7 & 15) << 2) | (b8 >> 6)] as number,
    characters[b8 & 63] as number,
    characters[b9 >> 2] as number,
    characters[((b9 & 3) << 4) | (b10 >> 4)] as number,
    characters[((b10 & 15) << 2) | (b11 >> 6)] as number,
    characters[b11 & 63] as number,
    characters[b12 >> 2] as number,
    characters[((b12 & 3) << 4) | (b13 >> 4)] as number,
    characters[((b13 & 15) << 2) | (b14 >> 6)] as number,
    characters[b14 & 63] as number,
    characters[b15 >> 2] as number,
    characters[(b15 & 3) << 4] as number,
  )
}

/**
 * A uuid that a file holds, in Kafka's text form; undefined if it is none. Like Uuid.fromString, ignores the four bits of
 * the last character that no uuid uses.
 */
export function parseUuidText(text: string): string | undefined {
  return /^[\w-]{22}$/.test(text) ? uuidText(Buffer.from(text, 'base64url'), 0) : undefined
}

/** Writes the 16 bytes of a uuid in Kafka's text form. Throws on anything else: that is a bug, not bad input. */
export function writeUuidText(bytes: Uint8Array, position: number, text: string): void {
  if (text.length !== 22) throw notUuid(text)
  // An invalid digit is -1. Its sign bit survives the joins below.
  let signs = 0
  for (let index = 0, at = position; index < 20; index += 4, at += 3) {
    const bits =
      (valueAt(text, index) << 18) |
      (valueAt(text, index + 1) << 12) |
      (valueAt(text, index + 2) << 6) |
      valueAt(text, index + 3)
    signs |= bits
    bytes[at] = bits >> 16
    bytes[at + 1] = bits >> 8
    bytes[at + 2] = bits
  }
  const last = (valueAt(text, 20) << 2) | (valueAt(text, 21) >> 4)
  bytes[position + 15] = last
  if ((signs | last) < 0) throw notUuid(text)
}

function valueAt(text: string, index: number): number {
  return values[text.charCodeAt(index) & 0xff] as number
}

function notUuid(text: string): RangeError {
  return new RangeError(`not a uuid: ${text}`)
}
