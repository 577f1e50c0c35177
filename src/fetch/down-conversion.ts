import { isRejection, type Rejection } from '../../protocol/error-codes.ts'
import { convertDown } from '../../protocol/records/conversion.ts'
import { batchesOf } from '../../protocol/records/record-batch.ts'
import type { PartitionLog, ReadContext, ReadResult } from '../../storage/partition-log.ts'

/** A read and the stored bytes it covers. For a converted answer storedBytes is the size before conversion. */
export interface FetchedBatches extends ReadResult {
  readonly storedBytes: number
}

/** Reads batches as stored. */
export async function readStored(
  log: PartitionLog,
  offset: number,
  context: ReadContext,
): Promise<FetchedBatches | Rejection> {
  const read = await log.read(offset, context)
  return isRejection(read) ? read : { ...read, storedBytes: read.sizeBytes }
}

/**
 * Reads and converts to message format 0 or 1, in memory of its own. Control batches are dropped, and a compacted range
 * may convert to nothing; an old client would take that for the end of the log. So this reads on until there is a
 * message or the end is reached. Source: LazyDownConversionRecords.
 */
export async function readDownConverted(
  log: PartitionLog,
  offset: number,
  context: ReadContext,
  magic: 0 | 1,
): Promise<FetchedBatches | Rejection> {
  for (let from = offset; ; ) {
    const read = await log.read(from, context)
    if (isRejection(read)) return read
    const { nextOffset, sizeBytes: storedBytes, isLimited, isBehind } = read
    const converted = convertDown(batchesOf(Buffer.concat(read.slices)).batches, magic, offset)
    read.release()
    if (isRejection(converted)) return converted
    if (converted.length > 0 || nextOffset === from || nextOffset >= context.upToOffset) {
      const sizeBytes = converted.length
      return { slices: [converted], sizeBytes, storedBytes, nextOffset, isLimited, isBehind, release() {} }
    }
    from = nextOffset
  }
}
