import type { BufferPool, Lease } from '../../protocol/buffer-pool.ts'
import {
  BATCH_HEADER_BYTES,
  batchSizeAt,
  HEADER_BYTES_UP_TO_MAGIC,
  RecordBatch,
} from '../../protocol/records/record-batch.ts'
import type { Disk } from '../disk.ts'
import type { FileAccess } from '../open-files.ts'
import type { ReadContext, ReadResult } from '../partition-log.ts'
import { hasValidOffsets, lastOffsetOf } from '../segment/stored-batch.ts'
import type { Tail } from '../tail.ts'

/** Up to this many slices are sent as they are. One copy is cheaper for more slices, if they are small. */
const MOST_SLICES = 64
const SMALL_SLICE_BYTES = 4096
/** Bytes read beyond the request, if only the index tells roughly where the first batch starts. */
const SEARCH_BYTES = 8192
/** Reads up to this size of recently written data are done synchronously: the page cache has it. */
const LARGEST_SYNCHRONOUS_BYTES = 256 * 1024

/** The result of a read, from the tail or from files. */
export type BatchesRead = Omit<ReadResult, 'isBehind'>

export function emptyRead(offset: number, isLimited = false): BatchesRead {
  return { slices: [], sizeBytes: 0, release: () => {}, nextOffset: offset, isLimited }
}

/** Batches from the tail, which must contain `offset`. */
export function readTail(tail: Tail, offset: number, read: ReadContext, pool: BufferPool): BatchesRead {
  const slices: Buffer[] = []
  const leases: Lease[] = []
  let sizeBytes = 0
  let nextOffset = offset
  let isLimited = false
  for (const entry of tail.from(offset)) {
    if (entry.lastOffset >= read.upToOffset) break
    const isFirst = slices.length === 0
    isLimited = sizeBytes + entry.bytes.length > read.maxBytes && !(isFirst && read.minOneBatch)
    if (isLimited) break
    slices.push(entry.bytes)
    leases.push(entry.lease)
    sizeBytes += entry.bytes.length
    nextOffset = entry.lastOffset + 1
  }
  if (slices.length > MOST_SLICES && sizeBytes < slices.length * SMALL_SLICE_BYTES) {
    return { sizeBytes, nextOffset, isLimited, ...joined(slices, sizeBytes, pool) }
  }
  for (const lease of leases) lease.retain()
  const release = (): void => {
    for (const lease of leases) lease.release()
  }
  return { slices, sizeBytes, release, nextOffset, isLimited }
}

function joined(
  slices: readonly Buffer[],
  sizeBytes: number,
  pool: BufferPool,
): Pick<BatchesRead, 'slices' | 'release'> {
  const lease = pool.take(sizeBytes)
  const target = lease.bytes
  let at = 0
  for (const slice of slices) {
    target.set(slice, at)
    at += slice.length
  }
  return { slices: [target], release: () => lease.release() }
}

/** How log files are read. */
export interface ReadAccess {
  readonly openFiles: FileAccess
  readonly pool: BufferPool
  readonly disk: Disk
}

/** A part of a log file to search for batches. */
export interface FileRange {
  readonly path: string
  readonly position: number
  readonly endPosition: number
  /** True if the first wanted batch starts at `position`. */
  readonly isExact: boolean
  /** True if the range was written recently. */
  readonly isHot: boolean
  /** Offsets that the segment may hold: from its base offset to the next segment's, or to the log's end. */
  readonly baseOffset: number
  readonly nextBaseOffset: number
  /** By the index, the batch at `position` ends at or below this offset; undefined: unknown. */
  readonly indexedOffset: number | undefined
}

/** The result, and where in the file the next batch starts. */
export interface RangeRead {
  readonly result: BatchesRead
  readonly nextPosition: number
}

/** A log file has something else where a batch should be. */
export class CorruptLogError extends Error {
  override readonly name = 'CorruptLogError'
}

/**
 * Whole batches from a log file, from the first that ends at or above the offset. undefined: the range has no such
 * batch. CorruptLogError names the file and position of something that is not a batch. 'elsewhere': the index is wrong
 * about the start of the range.
 */
export async function readFileRange(
  access: ReadAccess,
  range: FileRange,
  offset: number,
  read: ReadContext,
): Promise<RangeRead | 'elsewhere' | undefined> {
  let { position } = range
  let wantedBytes = Math.max(read.maxBytes, BATCH_HEADER_BYTES) + (range.isExact ? 0 : SEARCH_BYTES)
  while (position < range.endPosition) {
    const lease = access.pool.take(Math.min(wantedBytes, range.endPosition - position))
    let found: Selection
    let count: number
    try {
      count = await readInto(access, range, lease.bytes, position)
      const chunk = lease.bytes.subarray(0, count)
      if (position === range.position && !beginsAsIndexed(chunk, range)) {
        lease.release()
        return 'elsewhere'
      }
      found = selectBatches(chunk, offset, read, { ...range, position })
    } catch (error) {
      lease.release()
      throw error
    }
    const readableEnd = count < lease.bytes.length ? position + count : range.endPosition
    if (found.neededBytes > 0 && position + found.end + found.neededBytes > readableEnd) found.fault ??= TRUNCATED
    if (found.fault !== undefined) {
      lease.release()
      // What the index names as a batch may be the middle of one that looks like the start of another.
      if (range.indexedOffset !== undefined) return 'elsewhere'
      throw new CorruptLogError(`${range.path} at position ${position + found.end}: ${found.fault}`)
    }
    const isLimited = !found.reachedEnd && position + found.end < range.endPosition
    if (found.end > found.start) {
      const slices = [lease.bytes.subarray(found.start, found.end)]
      const sizeBytes = found.end - found.start
      const result = { slices, sizeBytes, release: () => lease.release(), nextOffset: found.nextOffset, isLimited }
      return { result, nextPosition: position + found.end }
    }
    lease.release()
    if (found.isOver) return { result: emptyRead(offset, isLimited), nextPosition: position + found.end }
    position += found.end
    wantedBytes = Math.max(wantedBytes, found.neededBytes)
  }
  return undefined
}

function beginsAsIndexed(chunk: Buffer, { indexedOffset }: FileRange): boolean {
  if (indexedOffset === undefined) return true
  const size = batchSizeAt(chunk, 0)
  if (typeof size !== 'number' || chunk.length < Math.min(size, BATCH_HEADER_BYTES)) return false
  return lastOffsetOf(new RecordBatch(chunk)) <= indexedOffset
}

async function readInto(
  { openFiles, disk }: ReadAccess,
  range: FileRange,
  target: Buffer,
  position: number,
): Promise<number> {
  if (range.isHot && target.length <= LARGEST_SYNCHRONOUS_BYTES) {
    return openFiles.use(range.path).readSync(target, position)
  }
  return await readAside(disk, openFiles, range.path, target, position)
}

/** Reads off the loop. Returns the number of bytes. */
export function readAside(
  disk: Disk,
  openFiles: FileAccess,
  path: string,
  target: Buffer,
  position: number,
): Promise<number> {
  return disk.read(async () => {
    const file = openFiles.pin(path)
    try {
      return await file.handle.read(target, position)
    } finally {
      file.unpin()
    }
  })
}

/** The wanted bytes of a chunk: [start, end). */
interface Selection {
  start: number
  end: number
  nextOffset: number
  /**
   * Nothing was selected, and more bytes would not help: the first batch may not be read, or is larger than requested.
   */
  isOver: boolean
  /** The batches that follow may not be read: upToOffset is reached. */
  reachedEnd: boolean
  /** Bytes from `end` that the next chunk must hold, if nothing was selected. */
  neededBytes: number
  fault: string | undefined
}

const TRUNCATED = 'the batch is truncated'

function selectBatches(chunk: Buffer, offset: number, read: ReadContext, range: FileRange): Selection {
  const { position, endPosition } = range
  const found: Selection = {
    start: 0,
    end: 0,
    nextOffset: offset,
    isOver: false,
    reachedEnd: false,
    neededBytes: 0,
    fault: undefined,
  }
  const isEmpty = (): boolean => found.start === found.end
  for (;;) {
    // Beyond upToOffset, bytes may not be in the file yet, so they cannot be checked.
    if (found.nextOffset >= read.upToOffset) return reachedEnd(found)
    const size = batchSizeAt(chunk, found.end)
    if (typeof size === 'string') {
      if (isEmpty()) found.fault = size
      return found
    }
    if (size === undefined || (size > chunk.length - found.end && BATCH_HEADER_BYTES > chunk.length - found.end)) {
      if (isEmpty()) found.neededBytes = size ?? HEADER_BYTES_UP_TO_MAGIC
      return found
    }
    const batch = new RecordBatch(chunk.subarray(found.end))
    const lastOffset = lastOffsetOf(batch)
    const misfit = misfitOf(batch, lastOffset, range)
    if (misfit !== undefined) {
      if (isEmpty()) found.fault = misfit
      return found
    }
    if (lastOffset < offset) {
      if (position + found.end + size > endPosition) {
        found.fault = TRUNCATED
        return found
      }
      found.end += size
      found.start = found.end
      if (found.end >= chunk.length) return found
      continue
    }
    if (lastOffset >= read.upToOffset) return reachedEnd(found)
    if (position + found.end + size > endPosition) {
      if (isEmpty()) found.fault = TRUNCATED
      return found
    }
    const selected = found.end - found.start
    const fits = selected + size <= read.maxBytes
    if (!fits && !(selected === 0 && read.minOneBatch)) return over(found)
    if (size > chunk.length - found.end) {
      if (isEmpty()) found.neededBytes = size
      return found
    }
    found.end += size
    found.nextOffset = lastOffset + 1
    if (!fits) return found
  }
}

/** Why the batch cannot be in its segment; undefined if it can. */
function misfitOf(
  batch: RecordBatch,
  lastOffset: number,
  { baseOffset, nextBaseOffset }: FileRange,
): string | undefined {
  if (lastOffset < baseOffset || lastOffset >= nextBaseOffset) {
    return `a batch that ends at offset ${lastOffset} cannot be in this segment`
  }
  return hasValidOffsets(batch) ? undefined : `a batch that ends at offset ${lastOffset} begins after it`
}

function reachedEnd(found: Selection): Selection {
  found.reachedEnd = true
  return over(found)
}

function over(found: Selection): Selection {
  found.isOver = found.start === found.end
  return found
}
