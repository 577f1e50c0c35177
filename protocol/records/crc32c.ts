import { createRequire } from 'node:module'
import type { Steps } from '../steps.ts'
import { type CrcTables, crcTables, sliceBy16 } from './slice-by-16.ts'

type Checksum = (bytes: Uint8Array, before?: number) => number

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

/** Bytes of one step: half a millisecond in JavaScript. */
const STEP_BYTES = 1_048_576
/** Checksums are computed so many times as fast as content is decompressed. */
const SPEED = 16

/** The same in steps. */
export function* crc32cInSteps(bytes: Uint8Array, start = 0, end = bytes.length): Steps<number> {
  let crc = 0
  for (let at = start; at < end; at += STEP_BYTES) {
    const stepEnd = Math.min(end, at + STEP_BYTES)
    crc = hasNativeCrc32c() ? native!(bytes.subarray(at, stepEnd), crc) : crc32cInJs(bytes, at, stepEnd, crc)
    if (stepEnd < end) yield STEP_BYTES / SPEED
  }
  return crc
}

/** The same in JavaScript. before: the checksum of the bytes before these. */
export function crc32cInJs(bytes: Uint8Array, start = 0, end = bytes.length, before = 0): number {
  tables ??= crcTables(0x82f63b78)
  return sliceBy16(tables, bytes, start, end, before)
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
    const before = loaded.crc32c?.(Buffer.from('1234'))
    return loaded.crc32c?.(Buffer.from('56789'), before) === 0xe3069283 ? loaded.crc32c : null
  } catch {
    return null
  }
}
