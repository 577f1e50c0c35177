import {
  BATCH_HEADER_BYTES,
  batchSizeAt,
  LOG_OVERHEAD_BYTES,
  RecordBatch,
} from '../../protocol/records/record-batch.ts'
import type { FileHandle } from '../host/host.ts'

const HEADER_CHUNK_BYTES = 16 * 1024
const WHOLE_CHUNK_BYTES = 1024 * 1024

/** A batch and its position in the file. `batch` is a view of the scanner's buffer, valid until the next step. */
export interface ScannedBatch {
  readonly batch: RecordBatch
  readonly position: number
}

/**
 * Iterates over the batches of a log file in [position, endPosition), reading ahead in chunks. 'headers': only the
 * first 61 bytes of each batch are sure to be read; 'whole': all bytes are.
 */
export class BatchScanner {
  /** Where the next batch starts. */
  position: number
  /** Why the scan ended before the end: the bytes at `position` are not a batch, or the batch is cut off. */
  fault: string | undefined

  readonly #handle: FileHandle
  readonly #endPosition: number
  readonly #wantsWhole: boolean
  #chunk: Buffer
  #chunkStart = 0
  #chunkEnd = 0

  constructor(handle: FileHandle, position: number, endPosition: number, parts: 'headers' | 'whole' = 'headers') {
    this.#handle = handle
    this.position = position
    this.#endPosition = endPosition
    this.#wantsWhole = parts === 'whole'
    const size = this.#wantsWhole ? WHOLE_CHUNK_BYTES : HEADER_CHUNK_BYTES
    this.#chunk = Buffer.allocUnsafe(Math.max(0, Math.min(size, endPosition - position)))
  }

  /** undefined at the end and at a fault. */
  next(): ScannedBatch | undefined {
    const position = this.position
    const rest = this.#endPosition - position
    if (rest <= 0 || this.fault !== undefined) return undefined
    if (rest < LOG_OVERHEAD_BYTES || !this.#fill(position, Math.min(rest, BATCH_HEADER_BYTES))) return this.#cut()
    const at = position - this.#chunkStart
    const size = batchSizeAt(this.#chunk, at, this.#chunkEnd - this.#chunkStart)
    if (typeof size === 'string') {
      this.fault = size
      return undefined
    }
    if (size === undefined || size > rest) return this.#cut()
    if (this.#wantsWhole && !this.#fill(position, size)) return this.#cut()
    this.position = position + size
    const start = position - this.#chunkStart
    const end = Math.min(start + size, this.#chunkEnd - this.#chunkStart)
    return { batch: new RecordBatch(this.#chunk.subarray(start, end)), position }
  }

  #cut(): undefined {
    this.fault = 'the batch is truncated'
  }

  /** Reads [position, position + size) into the chunk. False if the file is shorter than endPosition. */
  #fill(position: number, size: number): boolean {
    if (position >= this.#chunkStart && position + size <= this.#chunkEnd) return true
    if (size > this.#chunk.length) this.#chunk = Buffer.allocUnsafe(size)
    const length = Math.min(this.#chunk.length, this.#endPosition - position)
    const count = this.#handle.readSync(this.#chunk.subarray(0, length), position)
    this.#chunkStart = position
    this.#chunkEnd = position + count
    return count >= size
  }
}
