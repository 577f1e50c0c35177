import { createRequire } from 'node:module'
import { type CrcTables, crcTables, sliceBy16 } from './slice-by-16.ts'

type Checksum = (bytes: Uint8Array) => number

/** Below this size the call into native code costs more than it saves (76 against 113 ns at 100 B). */
const NATIVE_FROM_BYTES = 150

let tables: CrcTables | undefined
let native: Checksum | null | undefined

/**
 * CRC-32C (Castagnoli) of bytes[start, end), as an unsigned 32-bit number: the checksum of record batches v2. Uses
 * native code if the optional package @node-rs/crc32 is installed and passes its test, else JavaScript.
 */
export function crc32c(bytes: Uint8Array, start = 0, end = bytes.length): number {
  if (end - start < NATIVE_FROM_BYTES) return crc32cInJs(bytes, start, end)
  if (native === undefined) native = loadNative()
  return native === null ? crc32cInJs(bytes, start, end) : native(bytes.subarray(start, end))
}

/** The same in JavaScript. */
export function crc32cInJs(bytes: Uint8Array, start = 0, end = bytes.length): number {
  tables ??= crcTables(0x82f63b78)
  return sliceBy16(tables, bytes, start, end)
}

/** True if native code computes checksums of large batches; loads it on first use. */
export function hasNativeCrc32c(): boolean {
  if (native === undefined) native = loadNative()
  return native !== null
}

/** A prebuilt binary may be missing or broken on this platform. The JavaScript version is only slower. */
function loadNative(): Checksum | null {
  try {
    const loaded = createRequire(import.meta.url)('@node-rs/crc32') as { crc32c?: Checksum }
    return loaded.crc32c?.(Buffer.from('123456789')) === 0xe3069283 ? loaded.crc32c : null
  } catch {
    return null
  }
}
