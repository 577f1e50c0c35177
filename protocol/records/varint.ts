/** Writes zig-zag varints of records v2. RecordCursor reads them. */

/** Bytes that a varint or varlong takes: 1 to 8 for a safe integer. */
export function sizeOfVarlong(value: number): number {
  let rest = zigZag(value)
  let size = 1
  while (rest >= 0x80) {
    rest = Math.floor(rest / 0x80)
    size++
  }
  return size
}

/** Writes value at position; returns the position after it. */
export function writeVarlong(bytes: Uint8Array, position: number, value: number): number {
  let rest = zigZag(value)
  let at = position
  while (rest >= 0x80) {
    bytes[at++] = (rest % 0x80) | 0x80
    rest = Math.floor(rest / 0x80)
  }
  bytes[at++] = rest
  return at
}

/** Maps 0, -1, 1, -2, ... to 0, 1, 2, 3, ...; exact up to 2^52 in magnitude, which no timestamp or size reaches. */
function zigZag(value: number): number {
  return value < 0 ? -2 * value - 1 : 2 * value
}
