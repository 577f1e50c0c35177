import { copyMatch } from './copy-match.ts'

/*
 * Raw snappy: the size of the content as a varint, then elements. The two low bits of an element's first byte:
 *
 *  00  literal: high 6 bits length less 1; 60 to 63: length less 1 in 1 to 4 bytes that follow; then the bytes
 *  01  copy: bits 2-4 length less 4, bits 5-7 and the next byte: offset
 *  10  copy: high 6 bits length less 1, offset in 2 bytes
 *  11  copy: high 6 bits length less 1, offset in 4 bytes
 *
 * Integers are little endian.
 */

/** Size of the content and where the elements start. */
export interface SnappyHead {
  readonly contentSize: number
  readonly elementsStart: number
}

/** Reads the head of raw snappy bytes; undefined if invalid. The size is unverified. */
export function readSnappyHead(bytes: Uint8Array, start: number, end: number): SnappyHead | undefined {
  let size = 0
  for (let i = 0; i < 5 && start + i < end; i++) {
    const byte = bytes[start + i]!
    size += (byte & 0x7f) * 2 ** (7 * i)
    if (byte < 0x80) return size > 0xffffffff ? undefined : { contentSize: size, elementsStart: start + i + 1 }
  }
  return undefined
}

/** How far elements have been decompressed. */
export interface SnappyProgress {
  from: number
  to: number
}

/**
 * Decompresses the elements source[sourceStart, sourceEnd) to target[targetStart, targetEnd), which they must fill
 * exactly; false if they do not. Reads and writes nothing outside. snappyjs neither checks this nor terminates on every
 * input.
 */
export function decompressSnappyElements(
  source: Uint8Array,
  sourceStart: number,
  sourceEnd: number,
  target: Uint8Array,
  targetStart: number,
  targetEnd: number,
): boolean {
  const progress = { from: sourceStart, to: targetStart }
  const isSound = decompressSomeElements(source, sourceEnd, target, targetStart, targetEnd, progress, targetEnd)
  return isSound && progress.to === targetEnd
}

/**
 * The same, continuing from progress, until the target holds at least enoughAt or the elements end. False at an invalid
 * element.
 */
export function decompressSomeElements(
  source: Uint8Array,
  sourceEnd: number,
  target: Uint8Array,
  targetStart: number,
  targetEnd: number,
  progress: SnappyProgress,
  enoughAt: number,
): boolean {
  let { from, to } = progress
  // With enoughAt at the target's end, continue when the target is full: further elements are an error.
  while (from < sourceEnd && (to < enoughAt || enoughAt === targetEnd)) {
    const tag = source[from++]!
    const kind = tag & 3
    if (kind === 0) {
      let length = (tag >> 2) + 1
      if (length > 60) {
        const size = length - 60
        if (size > sourceEnd - from) return false
        length = readUintLE(source, from, size) + 1
        from += size
      }
      if (length > sourceEnd - from || length > targetEnd - to) return false
      if (length > 32) target.set(source.subarray(from, from + length), to)
      else for (let i = 0; i < length; i++) target[to + i] = source[from + i]!
      from += length
      to += length
    } else {
      const size = kind === 3 ? 4 : kind
      if (size > sourceEnd - from) return false
      const low = readUintLE(source, from, size)
      const offset = kind === 1 ? low | ((tag >> 5) << 8) : low
      const length = kind === 1 ? ((tag >> 2) & 7) + 4 : (tag >> 2) + 1
      from += size
      if (offset === 0 || offset > to - targetStart || length > targetEnd - to) return false
      to = copyMatch(target, to, offset, length)
    }
  }
  progress.from = from
  progress.to = to
  return true
}

function readUintLE(bytes: Uint8Array, position: number, size: number): number {
  let value = bytes[position]!
  if (size > 1) value |= bytes[position + 1]! << 8
  if (size > 2) value |= bytes[position + 2]! << 16
  if (size > 3) value |= bytes[position + 3]! << 24
  return value >>> 0
}
