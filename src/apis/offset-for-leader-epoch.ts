import { OffsetForLeaderEpoch } from '../../protocol/apis/offset-for-leader-epoch.ts'
import { isRejection } from '../../protocol/error-codes.ts'
import { mapInSlices } from '../../storage/host/turn-slices.ts'
import { handler } from './handler.ts'

/** Answers the end offset of a leader epoch. Source: ReplicaManager.lastOffsetForLeaderEpoch. */
export const offsetForLeaderEpoch = handler(OffsetForLeaderEpoch, async (request, { services, slices }) => ({
  topics: await mapInSlices(request.topics, slices, async ({ topic, partitions }) => ({
    topic,
    partitions: await mapInSlices(partitions, slices, async ({ partition: index, currentLeaderEpoch, leaderEpoch }) => {
      const partition = await services.partitions.leaderFor(topic, index, currentLeaderEpoch)
      if (isRejection(partition)) return { partition: index, errorCode: partition.code }
      const fenced = partition.checkEpoch(currentLeaderEpoch)
      if (fenced !== undefined) return { partition: index, errorCode: fenced.code }
      const found = partition.endOffsetForEpoch(leaderEpoch)
      return { partition: index, errorCode: 0, leaderEpoch: found?.leaderEpoch, endOffset: found?.endOffset }
    }),
  })),
}))
