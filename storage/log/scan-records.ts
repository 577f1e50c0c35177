import { type Codec, DecompressionFault } from '../../protocol/compression/codec.ts'
import { codecNamed, codecOf } from '../../protocol/compression/codecs.ts'
import type { ContentWork } from '../../protocol/records/conversion.ts'
import type { CompressionId } from '../../protocol/records/record-batch.ts'
import {
  DEFAULT_DECOMPRESSED_LIMIT_BYTES,
  decompressRecords,
  faultOf,
  RecordFault,
} from '../../protocol/records/record-reader.ts'
import { copyInSteps } from '../../protocol/records/records-writer.ts'
import type { ConcurrencyLimit } from '../concurrency-limit.ts'
import type { Offload } from '../host/host.ts'
import type { Sliced, SlicedWork } from '../sliced-work.ts'

/**
 * Largest content of a batch that is decompressed at once. That takes half a millisecond with most codecs, less than an
 * event loop turn and a thread would cost. Measured in docs/performance.md.
 */
const AT_ONCE_BYTES = 131_072

/** How content is decompressed and compressed. */
export interface ContentAccess {
  readonly offload: Offload
  /** Largest content that is decompressed at once; larger content is decompressed in slices. */
  readonly atOnceBytes: number
  /** Called after content was decompressed at once. */
  readonly noteAtOnce: (bytes: number) => void
  /** Places for content that must be in memory as a whole; undefined: no limit. */
  readonly largeContents: ConcurrencyLimit | undefined
}

/** Everything at once. */
export const atOnce: ContentAccess = {
  offload: { decompress: () => undefined, compress: () => undefined },
  atOnceBytes: Number.POSITIVE_INFINITY,
  noteAtOnce: () => {},
  largeContents: undefined,
}

/** Little at once, the rest in slices. */
export function slicedAccess(offload: Offload, slicedWork: SlicedWork): ContentAccess {
  return {
    offload,
    get atOnceBytes() {
      return Math.min(AT_ONCE_BYTES, slicedWork.roomInTurn)
    },
    noteAtOnce: (bytes) => slicedWork.noteInTurn(bytes),
    largeContents: slicedWork.largeContents,
  }
}

/** The same for work that is not done by `SlicedWork`. */
export function offLoopAccess(offload: Offload, largeContents: ConcurrencyLimit): ContentAccess {
  return { offload, atOnceBytes: AT_ONCE_BYTES, noteAtOnce: () => {}, largeContents }
}

/** Compressed records. */
export interface CompressedBytes {
  readonly bytes: Buffer
  readonly compression: CompressionId
  /** Format of the batch that contains them. */
  readonly magic: number
}

/**
 * Passes decompressed content to `take`, piece by piece, until `take` returns false. Decompresses in another thread if
 * there is one for the codec, else in slices. Each piece is valid until the next.
 */
export function* eachPiece(
  { bytes, compression, magic }: CompressedBytes,
  offload: Offload,
  take: (piece: Uint8Array) => boolean,
): Sliced<RecordFault | undefined> {
  const codec = codecOf(compression, magic)
  if (codec === undefined) return new RecordFault('undecodable', `Unknown compression type id: ${compression}`)
  const content = isCommon(codec) ? offload.decompress(codec.name, bytes) : undefined
  if (content === undefined) {
    const pieces = codec.pieces(bytes)
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

/** False for the lz4 of message format v0, which other threads do not know. */
function isCommon(codec: Codec): boolean {
  return codecNamed(codec.name) === codec
}

/** Content that is small enough to decompress at once; undefined if it is not. */
export function contentAtOnce(
  { bytes, compression, magic }: CompressedBytes,
  { atOnceBytes, noteAtOnce }: ContentAccess,
): Buffer | RecordFault | undefined {
  if (bytes.length > atOnceBytes) return undefined
  const content = decompressRecords(bytes, compression, magic, Math.min(atOnceBytes, DEFAULT_DECOMPRESSED_LIMIT_BYTES))
  const isMore = content instanceof RecordFault && content.kind === 'too large'
  if (isMore && atOnceBytes < DEFAULT_DECOMPRESSED_LIMIT_BYTES) return undefined
  if (!(content instanceof RecordFault)) noteAtOnce(content.length)
  return content
}

/** The whole content in memory, up to a limit, for a batch that is rewritten. */
function* wholeContent(compressed: CompressedBytes, offload: Offload): Sliced<Buffer | RecordFault> {
  const parts: Buffer[] = []
  let sizeBytes = 0
  const fault = yield* eachPiece(compressed, offload, (piece) => {
    sizeBytes += piece.length
    const fits = sizeBytes <= DEFAULT_DECOMPRESSED_LIMIT_BYTES
    if (fits) parts.push(Buffer.from(piece))
    return fits
  })
  if (fault !== undefined) return fault
  if (sizeBytes > DEFAULT_DECOMPRESSED_LIMIT_BYTES) {
    return new RecordFault('too large', `decompressed records exceed ${DEFAULT_DECOMPRESSED_LIMIT_BYTES} bytes`)
  }
  const content = Buffer.allocUnsafe(sizeBytes)
  let position = 0
  for (let part = parts.shift(); part !== undefined; part = parts.shift()) {
    yield* copyInSteps(part, content, position)
    position += part.length
    yield part.length / COPY_SPEED
  }
  return content
}

/** Copying is so many times as fast as decompression. */
const COPY_SPEED = 16

/**
 * Work on content that is in memory as a whole. Small content is decompressed at once. Anything larger must run in
 * `withPlace`.
 */
export function contentWork(access: ContentAccess): ContentWork {
  const { offload } = access
  return {
    *unpack(bytes, compression, magic) {
      const compressed = { bytes, compression, magic }
      return contentAtOnce(compressed, access) ?? (yield* wholeContent(compressed, offload))
    },
    *compress(codec, records, level) {
      if (records.length <= AT_ONCE_BYTES) return codec.compress(records, level)
      yield records.length
      const elsewhere = isCommon(codec) ? offload.compress(codec.name, records, level) : undefined
      if (elsewhere === undefined) return yield* codec.compressing(records, level)
      let compressed: Buffer | undefined
      yield elsewhere.then((bytes) => {
        compressed = bytes
      })
      return compressed!
    },
  }
}

/** Work that may have large content in memory as a whole: it waits for a place first. */
export function withPlace<T>({ largeContents }: ContentAccess, work: Sliced<T>): Sliced<T> {
  return largeContents === undefined ? work : largeContents.steps(work)
}
