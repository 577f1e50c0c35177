import { Fetch } from '../../../protocol/apis/fetch.ts'
import { errorName } from '../../../protocol/error-codes.ts'
import { batchesOf, type RecordBatch } from '../../../protocol/records/record-batch.ts'
import { RecordFault, readRecords } from '../../../protocol/records/record-reader.ts'
import { ZERO_UUID } from '../../../protocol/schema.ts'
import type { RawClient } from '../../raw-client.ts'

const MAX_BYTES = 1 << 20
const READ_COMMITTED = 1

export interface CommittedRecord {
  readonly offset: number
  readonly value: string
}

/** Committed records of a partition, in order. Rejects if a transaction is open. */
export async function readCommitted(client: RawClient, topic: string, partition: number): Promise<CommittedRecord[]> {
  const records: CommittedRecord[] = []
  const aborting = new Set<number>()
  for (let fetchOffset = 0; ; ) {
    const fetched = await fetch(client, { topic, partition, fetchOffset })
    const { highWatermark, lastStableOffset } = fetched
    if (lastStableOffset < highWatermark) throw new Error(`${topic}-${partition} is open from ${lastStableOffset} on`)
    if (fetchOffset >= highWatermark) return records
    const aborted = (fetched.abortedTransactions ?? []).toSorted((a, b) => a.firstOffset - b.firstOffset)
    const { batches } = batchesOf(Buffer.concat([fetched.records ?? []].flat()))
    if (batches.length === 0) throw new Error(`${topic}-${partition} has nothing at ${fetchOffset}`)
    for (const batch of batches) {
      while (aborted.length > 0 && aborted[0]!.firstOffset <= batch.lastOffset)
        aborting.add(aborted.shift()!.producerId)
      if (batch.isControl) aborting.delete(batch.producerId)
      else if (!batch.isTransactional || !aborting.has(batch.producerId)) records.push(...recordsOf(batch, fetchOffset))
      fetchOffset = batch.nextOffset
    }
  }
}

/** Whether a transaction is open in that partition. */
export async function hasOpenTransaction(client: RawClient, topic: string, partition: number): Promise<boolean> {
  const { highWatermark, lastStableOffset } = await fetch(client, { topic, partition, fetchOffset: 0 })
  return lastStableOffset < highWatermark
}

/** Records from that offset on: a response begins with the whole batch that holds it. */
function recordsOf(batch: RecordBatch, fromOffset: number): CommittedRecord[] {
  const read = readRecords(batch)
  if (read instanceof RecordFault) throw new Error(`at ${batch.baseOffset}: ${read.message}`)
  return [...read]
    .filter(({ offset }) => offset >= fromOffset)
    .map(({ offset, value }) => ({ offset, value: String(value) }))
}

interface Position {
  readonly topic: string
  readonly partition: number
  readonly fetchOffset: number
}

async function fetch(client: RawClient, { topic, partition, fetchOffset }: Position) {
  const { responses } = await client.send(Fetch, 11, {
    maxWaitMs: 0,
    minBytes: 0,
    maxBytes: MAX_BYTES,
    isolationLevel: READ_COMMITTED,
    topics: [{ topic, topicId: ZERO_UUID, partitions: [{ partition, fetchOffset, partitionMaxBytes: MAX_BYTES }] }],
    forgottenTopicsData: [],
  })
  const answer = responses[0]!.partitions[0]!
  if (answer.errorCode === 0) return answer
  throw new Error(`${topic}-${partition} at ${fetchOffset}: ${errorName(answer.errorCode)}`)
}
