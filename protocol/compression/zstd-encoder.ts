/** Zstandard frames (drawn in zstd-decoder.ts) of raw and repeated blocks: legal, but hardly smaller than the content. */

const BLOCK_BYTES = 131072
/** Magic, descriptor (single segment, content size in 4 bytes). */
const HEAD = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0xa0])
const RAW = 0
const REPEATED = 1

/** A frame of this content, at most 2^32 - 1 bytes. */
export function storeZstd(content: Uint8Array): Buffer {
  const size = Buffer.allocUnsafe(4)
  size.writeUInt32LE(content.length)
  const parts: Uint8Array[] = [HEAD, size]
  // Content without a byte still needs a last block.
  for (let start = 0; start === 0 || start < content.length; start += BLOCK_BYTES) {
    const block = content.subarray(start, start + BLOCK_BYTES)
    const isLast = start + BLOCK_BYTES >= content.length
    if (isRepeated(block)) parts.push(blockHead(REPEATED, block.length, isLast), block.subarray(0, 1))
    else parts.push(blockHead(RAW, block.length, isLast), block)
  }
  return Buffer.concat(parts)
}

function isRepeated(block: Uint8Array): boolean {
  return block.length > 1 && block.every((byte) => byte === block[0])
}

function blockHead(type: number, size: number, isLast: boolean): Buffer {
  const head = Buffer.allocUnsafe(3)
  head.writeUIntLE((size << 3) | (type << 1) | (isLast ? 1 : 0), 0, 3)
  return head
}
