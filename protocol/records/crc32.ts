import zlib from 'node:zlib'
import { type CrcTables, crcTables, sliceBy16 } from './slice-by-16.ts'

let tables: CrcTables | undefined

// Present in Node.js from 20.15 and 22.2 on; missing from the types of 20.
const native = (zlib as { crc32?: (bytes: Uint8Array) => number }).crc32

/** Below this size the call into native code costs more than it saves. */
const NATIVE_FROM_BYTES = 150

/**
 * CRC-32 (IEEE 802.3) of bytes[start, end), as an unsigned 32-bit number: the checksum of message formats v0 and v1
 * and of gzip.
 */
export function crc32(bytes: Uint8Array, start = 0, end = bytes.length): number {
  const isShort = end - start < NATIVE_FROM_BYTES
  return native === undefined || isShort ? crc32InJs(bytes, start, end) : native(bytes.subarray(start, end))
}

/** The same in JavaScript. */
export function crc32InJs(bytes: Uint8Array, start = 0, end = bytes.length): number {
  tables ??= crcTables(0xedb88320)
  return sliceBy16(tables, bytes, start, end)
}
