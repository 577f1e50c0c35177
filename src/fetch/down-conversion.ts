import { isRejection, type Rejection } from '../../protocol/error-codes.ts'
import { convertDownInSteps } from '../../protocol/records/conversion.ts'
import { batchesOf, type RecordBatch } from '../../protocol/records/record-batch.ts'
import type { Steps } from '../../protocol/steps.ts'
import type { ConcurrencyLimit } from '../../storage/concurrency-limit.ts'
import type { Host } from '../../storage/host/host.ts'
import { runInSlices, type Slices } from '../../storage/host/turn-slices.ts'
import { type ContentAccess, contentWork, offLoopAccess, withPlace } from '../../storage/log/scan-records.ts'
import type { PartitionLog, ReadContext, ReadResult } from '../../storage/partition-log.ts'
import { lastOffsetOf } from '../../storage/segment/stored-batch.ts'

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
  return isRejection(read) ? read : { storedBytes: read.sizeBytes, ...read }
}

/** What a conversion needs of the broker. */
export interface ConversionResources {
  readonly services: { readonly host: Pick<Host, 'offload'>; readonly largeContents: ConcurrencyLimit }
  readonly slices: Slices
}

/**
 * Reads and converts to message format 0 or 1, in memory of its own and in slices. Control batches are dropped, and a
 * compacted range may convert to nothing; an old client would take that for the end of the log. So this reads on until
 * there is a message or the end is reached. Converted records may be larger: once they reach the limit of the read, the
 * rest is left for the next fetch. Source: LazyDownConversionRecords.
 */
export async function readDownConverted(
  log: PartitionLog,
  offset: number,
  context: ReadContext,
  magic: 0 | 1,
  { services, slices }: ConversionResources,
): Promise<FetchedBatches | Rejection> {
  const access = offLoopAccess(services.host.offload, services.largeContents)
  for (let from = offset; ; ) {
    const read = await log.read(from, context)
    if (isRejection(read)) return read
    let converted: Converted | Rejection
    try {
      converted = await runInSlices(convert(read, { offset, magic, maxBytes: context.maxBytes }, access), slices)
    } finally {
      read.release()
    }
    if (isRejection(converted)) return converted
    const { sizeBytes, nextOffset } = converted
    if (sizeBytes > 0 || nextOffset === from || nextOffset >= context.upToOffset) {
      const isLimited = read.isLimited || nextOffset < read.nextOffset
      return { ...converted, isLimited, isBehind: read.isBehind, release() {} }
    }
    from = nextOffset
  }
}

type Converted = Pick<FetchedBatches, 'slices' | 'sizeBytes' | 'storedBytes' | 'nextOffset'>

interface Conversion {
  readonly offset: number
  readonly magic: 0 | 1
  readonly maxBytes: number
}

function* convert(
  read: ReadResult,
  { offset, magic, maxBytes }: Conversion,
  access: ContentAccess,
): Steps<Converted | Rejection> {
  const slices: Buffer[] = []
  let sizeBytes = 0
  let storedBytes = 0
  for (const batch of batchesIn(read)) {
    const steps = convertDownInSteps(batch, magic, offset, contentWork(access))
    const isPlain = !batch.isLegacy && !batch.isCompressed
    const part = yield* isPlain ? steps : withPlace(access, steps)
    if (!Buffer.isBuffer(part)) return part
    yield batch.sizeBytes
    storedBytes += batch.sizeBytes
    if (part.length === 0) continue
    // The memory of a batch that needs no conversion goes back with the read.
    slices.push(batch.magic <= magic ? Buffer.from(part) : part)
    sizeBytes += part.length
    if (sizeBytes >= maxBytes) return { slices, sizeBytes, storedBytes, nextOffset: lastOffsetOf(batch) + 1 }
  }
  return { slices, sizeBytes, storedBytes: read.sizeBytes, nextOffset: read.nextOffset }
}

function* batchesIn(read: ReadResult): Generator<RecordBatch> {
  for (const slice of read.slices) yield* batchesOf(slice).batches
}
