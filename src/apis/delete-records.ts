import { DeleteRecords } from '../../protocol/apis/delete-records.ts'
import { isRejection, type Rejection, reject } from '../../protocol/error-codes.ts'
import { handler } from './handler.ts'
import type { Services } from './services.ts'

/** Offset that means the high watermark. */
const HIGH_WATERMARK = -1
const NO_LOW_WATERMARK = -1

/**
 * Deletes records before an offset: the log start offset moves up. Source: ReplicaManager.deleteRecords,
 * Partition.deleteRecordsOnLeader.
 */
export const deleteRecords = handler(DeleteRecords, async (request, { services, slices }) => {
  // Each partition has one result: the last offset listed for it counts. Topics without partitions are left out.
  const topics = new Map<string, Map<number, number>>()
  for (const { name, partitions } of request.topics) {
    for (const { partitionIndex, offset } of partitions)
      topics.set(name, (topics.get(name) ?? new Map<number, number>()).set(partitionIndex, offset))
  }
  const answers = []
  for (const [name, offsets] of topics) {
    const partitions = []
    for (const [partitionIndex, offset] of offsets) {
      const wait = slices.next()
      if (wait !== undefined) await wait
      const deleted = await deleteBefore(name, partitionIndex, offset, services)
      const [lowWatermark, errorCode] = isRejection(deleted) ? [NO_LOW_WATERMARK, deleted.code] : [deleted, 0]
      partitions.push({ partitionIndex, lowWatermark, errorCode })
    }
    answers.push({ name, partitions })
  }
  return { topics: answers }
})

/** Returns the new log start offset. */
async function deleteBefore(
  topic: string,
  index: number,
  offset: number,
  { metadata, partitions }: Services,
): Promise<number | Rejection> {
  const known = metadata.image.topicsByName.get(topic)
  if (known?.partitions[index] === undefined) return reject('UNKNOWN_TOPIC_OR_PARTITION')
  if (known.internal) return reject('INVALID_TOPIC_EXCEPTION')
  const partition = await partitions.leaderFor(topic, index)
  if (isRejection(partition)) return partition
  if (!partition.settings.cleanupPolicy.includes('delete')) return reject('POLICY_VIOLATION')
  const { highWatermark } = partition
  const before = offset === HIGH_WATERMARK ? highWatermark : offset
  if (before < 0 || before > highWatermark) return reject('OFFSET_OUT_OF_RANGE')
  return (await partition.log.deleteRecordsBefore(before)) ?? partition.logStartOffset
}
