import { isRejection, type Rejection } from '../../protocol/error-codes.ts'
import { convertDown } from '../../protocol/records/conversion.ts'
import { batchesOf } from '../../protocol/records/record-batch.ts'
import type { PartitionLog, ReadContext, ReadResult } from '../../storage/partition-log.ts'

/** A read, with the bytes of the log that it stands for: as stored, so not those of a converted answer. */
export interface FetchedBatches extends ReadResult {
  readonly storedBytes: number
}

/** Batches as they are stored. */
export async function readStored(
  log: PartitionLog,
  offset: number,
  context: ReadContext,
): Promise<FetchedBatches | Rejection> {
  const read = await log.read(offset, context)
  return isRejection(read) ? read : { ...read, storedBytes: read.sizeBytes }
}

/**
 * What an old client is given for a read: message format 0 or 1, in memory of its own. Control batches vanish and
 * compacted ranges may leave nothing to send, which such a client would take for the end: so it reads on until a message
 * is there or the end is reached. Source: LazyDownConversionRecords.
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
