import { DecompressionFault } from '../../protocol/compression/codec.ts'
import { codecOf } from '../../protocol/compression/codecs.ts'
import type { RecordBatch } from '../../protocol/records/record-batch.ts'
import { DEFAULT_DECOMPRESSED_LIMIT_BYTES, faultOf, RecordFault } from '../../protocol/records/record-reader.ts'
import type { Offload } from '../host/host.ts'
import type { Sliced } from '../sliced-work.ts'

/**
 * Passes the content of a compressed batch to `take`, piece by piece, until `take` returns false. Decompresses in
 * another thread if there is one for the codec, else in slices. Each piece is valid until the next.
 */
export function* eachPiece(
  batch: RecordBatch,
  offload: Offload,
  take: (piece: Uint8Array) => boolean,
): Sliced<RecordFault | undefined> {
  const codec = codecOf(batch.compression)
  if (codec === undefined) return new RecordFault('undecodable', `Unknown compression type id: ${batch.compression}`)
  const content = offload.decompress(codec.name, batch.recordBytes)
  if (content === undefined) {
    const pieces = codec.pieces(batch.recordBytes)
    for (;;) {
      const { value, done } = pieces.next()
      if (done === true) return value instanceof DecompressionFault ? faultOf(value) : undefined
      const piece = value as Uint8Array
      if (!take(piece)) return undefined
      yield piece.length
    }
  }
  try {
    for (;;) {
      let piece: Buffer | DecompressionFault | undefined
      yield content.next().then((next) => {
        piece = next
      })
      if (piece === undefined) return undefined
      if (piece instanceof DecompressionFault) return faultOf(piece)
      if (!take(piece)) return undefined
      yield (piece as Buffer).length
    }
  } finally {
    content.close()
  }
}

/** The whole content, up to a limit, for a batch that is rewritten. */
export function* wholeContent(batch: RecordBatch, offload: Offload): Sliced<Buffer | RecordFault> {
  const parts: Buffer[] = []
  let sizeBytes = 0
  const fault = yield* eachPiece(batch, offload, (piece) => {
    sizeBytes += piece.length
    const fits = sizeBytes <= DEFAULT_DECOMPRESSED_LIMIT_BYTES
    if (fits) parts.push(Buffer.from(piece))
    return fits
  })
  if (fault !== undefined) return fault
  if (sizeBytes <= DEFAULT_DECOMPRESSED_LIMIT_BYTES) return Buffer.concat(parts)
  return new RecordFault('too large', `decompressed records exceed ${DEFAULT_DECOMPRESSED_LIMIT_BYTES} bytes`)
}
