import { Fetch } from '../../protocol/apis/fetch.ts'
import { OffsetFetch } from '../../protocol/apis/offset-fetch.ts'
import { errorName } from '../../protocol/error-codes.ts'
import { batchesOf } from '../../protocol/records/record-batch.ts'
import { RecordFault, readRecords } from '../../protocol/records/record-reader.ts'
import { ZERO_UUID } from '../../protocol/schema.ts'
import { RawClient } from '../raw-client.ts'
import type { LoggedRecord, TopicLog } from './journal.ts'

const MAX_BYTES = 1 << 20

/** Calls `ask` with a client of each running broker until one gives an answer. Undefined: none does now. */
async function firstAnswer<T>(ports: readonly number[], ask: (client: RawClient) => Promise<T | undefined>) {
  for (const port of ports) {
    const client = await RawClient.connect(port).catch(() => undefined)
    if (client === undefined) continue
    try {
      const answer = await ask(client)
      if (answer !== undefined) return answer
    } finally {
      client.close()
    }
  }
  return undefined
}

/** All records of a topic from offset 0 to the high watermark. Throws if a partition has no leader. */
export async function readLog(ports: readonly number[], topic: string, partitions: number): Promise<TopicLog> {
  const logs: LoggedRecord[][] = []
  for (let partition = 0; partition < partitions; partition++) {
    const log = await firstAnswer(ports, (client) => readPartition(client, topic, partition))
    if (log === undefined) throw new Error(`${topic}-${partition} has no leader`)
    logs.push(log)
  }
  return logs
}

/** Undefined if this broker does not lead the partition. */
async function readPartition(client: RawClient, topic: string, partition: number): Promise<LoggedRecord[] | undefined> {
  const log: LoggedRecord[] = []
  for (;;) {
    const fetchOffset = (log.at(-1)?.offset ?? -1) + 1
    const { responses } = await client.send(Fetch, 11, {
      maxWaitMs: 0,
      minBytes: 0,
      maxBytes: MAX_BYTES,
      topics: [{ topic, topicId: ZERO_UUID, partitions: [{ partition, fetchOffset, partitionMaxBytes: MAX_BYTES }] }],
      forgottenTopicsData: [],
    })
    const { errorCode, highWatermark, records } = responses[0]!.partitions[0]!
    if (errorName(errorCode) === 'NOT_LEADER_OR_FOLLOWER') return undefined
    if (errorCode !== 0) throw new Error(`${topic}-${partition} at ${fetchOffset}: ${errorName(errorCode)}`)
    if (fetchOffset >= highWatermark) return log
    for (const batch of batchesOf(Buffer.concat([records ?? []].flat())).batches) {
      const read = readRecords(batch)
      if (read instanceof RecordFault) throw new Error(`${topic}-${partition} at ${batch.baseOffset}: ${read.message}`)
      for (const { offset, key, value } of read)
        if (offset >= fetchOffset) log.push({ offset, key: String(key), number: Number(value) })
    }
  }
}

/** Committed offset of each partition, -1 if none. Undefined: no broker coordinates the group now. */
export function committedOffsets(ports: readonly number[], group: string, topic: string, partitions: number) {
  return firstAnswer(ports, async (client) => {
    const partitionIndexes = Array.from({ length: partitions }, (_, index) => index)
    const asked = { groupId: group, topics: [{ name: topic, partitionIndexes }], groups: [], requireStable: false }
    const { errorCode, topics } = await client.send(OffsetFetch, 5, asked)
    if (errorCode !== 0) return undefined
    const found = new Map(topics[0]!.partitions.map((each) => [each.partitionIndex, each.committedOffset]))
    return partitionIndexes.map((index) => found.get(index) ?? -1)
  })
}
