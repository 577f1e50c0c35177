import { DeleteRecords } from '../../protocol/apis/delete-records.ts'
import { DescribeProducers } from '../../protocol/apis/describe-producers.ts'
import { Fetch } from '../../protocol/apis/fetch.ts'
import { ListOffsets } from '../../protocol/apis/list-offsets.ts'
import { OffsetForLeaderEpoch } from '../../protocol/apis/offset-for-leader-epoch.ts'
import { Produce } from '../../protocol/apis/produce.ts'
import { waitFor } from '../wait-for.ts'
import type { Scenario } from './scenario.ts'
import type { Side } from './side.ts'
import {
  batchOf,
  createTopic,
  createTopics,
  EARLIEST,
  LATEST,
  moveLeader,
  type Place,
  produce,
  timeoutMs,
} from './topics.ts'

const FIRST_BY_ID = 13
const fakeId = 'f4keAAAAAAAAAAAAAAAAAA'

interface FetchWish {
  readonly partition?: number
  readonly offset?: number
  readonly leaderEpoch?: number
  readonly replicaId?: number
  readonly rack?: string
  readonly lastFetchedEpoch?: number
}

/** A fetch that does not wait. */
export function fetchOf(version: number, place: Place, wish: FetchWish = {}) {
  const { partition = 0, offset = 0, leaderEpoch = -1, replicaId = -1, rack = '', lastFetchedEpoch = -1 } = wish
  const named = version >= FIRST_BY_ID ? { topicId: place.topicId } : { topic: place.name }
  return {
    ...(version < 15 ? { replicaId } : { replicaState: { replicaId, replicaEpoch: -1 } }),
    maxWaitMs: 0,
    minBytes: 1,
    maxBytes: 1_000_000,
    topics: [
      {
        ...named,
        partitions: [
          {
            partition,
            currentLeaderEpoch: leaderEpoch,
            fetchOffset: offset,
            lastFetchedEpoch,
            partitionMaxBytes: 1_000_000,
          },
        ],
      },
    ],
    rackId: rack,
  }
}

/** Waits until this broker, leader or not, shows a consumer this high watermark. */
export async function highWatermarkIs(side: Side, nodeId: number, place: Place, highWatermark: number): Promise<void> {
  await waitFor(`the high watermark of ${place.name} is ${highWatermark} at broker ${nodeId}`, async () => {
    const { responses } = await side.at(nodeId)(Fetch, 12, '~', fetchOf(12, place))
    return responses[0]?.partitions[0]?.highWatermark === highWatermark
  })
}

const records: Scenario = {
  name: 'records: requests to brokers that lead, follow, or have nothing of a partition',
  run: async (side) => {
    // Broker 1 leads, 2 follows, 3 has no replica.
    const place = await createTopic(side, 'other-records', [[1, 2]])
    const nowhere = { name: 'other-none', topicId: fakeId }
    await produce(side, 1, place.name, batchOf('a', 'b', 'c'))
    await highWatermarkIs(side, 2, place, 3)
    for (const version of [3, 8, 9, 10, 12, 13])
      for (const acks of [-1, 1]) {
        const named = (each: Place) => (version >= FIRST_BY_ID ? { topicId: each.topicId } : { name: each.name })
        const partitionData = [{ index: 0, records: batchOf('d') }]
        const request = { acks, timeoutMs, topicData: [{ ...named(place), partitionData }] }
        for (const nodeId of [2, 3]) await side.at(nodeId)(Produce, version, `acks ${acks}`, request)
        if (version < 10) continue
        const mixed = [place, nowhere].map((each) => ({ ...named(each), partitionData }))
        await side.at(2)(Produce, version, `acks ${acks}, and a topic that is not there`, {
          ...request,
          topicData: mixed,
        })
      }
    for (const version of [4, 5, 7, 9, 10, 11, 12, 13, 15, 16, 17])
      await side.atEach(Fetch, version, 'by a consumer', fetchOf(version, place))
    for (const version of [4, 10, 11, 12, 14, 16])
      await side.atEach(Fetch, version, 'by a debugging consumer', fetchOf(version, place, { replicaId: -2 }))
    for (const version of [12, 16]) {
      await side.atEach(Fetch, version, 'beyond the end', fetchOf(version, place, { offset: 99 }))
      await side.atEach(Fetch, version, 'at the end', fetchOf(version, place, { offset: 3 }))
      await side.atEach(Fetch, version, 'by a replica that is none', fetchOf(version, place, { replicaId: 9 }))
      await side.atEach(Fetch, version, 'a partition that is not there', fetchOf(version, place, { partition: 5 }))
    }
    for (const version of [1, 4, 5, 6, 7, 8, 10]) {
      const topics = (timestamp: number) => [{ name: place.name, partitions: [{ partitionIndex: 0, timestamp }] }]
      for (const timestamp of [LATEST, EARLIEST, 0])
        await side.atEach(ListOffsets, version, `of ${timestamp}`, { replicaId: -1, topics: topics(timestamp) })
      await side.atEach(ListOffsets, version, 'by a debugging consumer', { replicaId: -2, topics: topics(LATEST) })
    }
    for (const version of [2, 3, 4])
      for (const replicaId of version < 3 ? [-2] : [-1, -2]) {
        const partitions = [{ partition: 0, currentLeaderEpoch: -1, leaderEpoch: 0 }]
        const request = { replicaId, topics: [{ topic: place.name, partitions }] }
        await side.atEach(OffsetForLeaderEpoch, version, `replica ${replicaId}`, request)
      }
    await side.atEach(DescribeProducers, 0, 'of all', { topics: [{ name: place.name, partitionIndexes: [0] }] })
    for (const version of [0, 2])
      for (const nodeId of [2, 3, 1]) {
        const topics = [{ name: place.name, partitions: [{ partitionIndex: 0, offset: version === 0 ? 1 : 2 }] }]
        await side.at(nodeId)(DeleteRecords, version, 'the first', { topics, timeoutMs })
      }
    await side.at(1)(Fetch, 12, 'after the deletion', fetchOf(12, place))
  },
}

const epochs: Scenario = {
  name: 'records: requests with another leader epoch than the current one',
  run: async (side) => {
    // Partition 0 had broker 2 as its leader before broker 1.
    const place = await createTopic(side, 'other-epochs', [
      [2, 1],
      [3, 2],
    ])
    for (const [index, leader] of [2, 3].entries()) await produce(side, leader, place.name, batchOf('a'), -1, index)
    await moveLeader(side, place.name, 0, [1, 2])
    await produce(side, 1, place.name, batchOf('b'))
    for (const nodeId of [1, 2]) await highWatermarkIs(side, nodeId, place, 2)
    for (const leaderEpoch of [0, 1, 7])
      for (const version of [9, 12, 16])
        for (const partition of [0, 1])
          await side.atEach(
            Fetch,
            version,
            `epoch ${leaderEpoch} of partition ${partition}`,
            fetchOf(version, place, { leaderEpoch, partition }),
            ({ responses, ...rest }) => ({ ...rest, responses: withoutPositions(responses) }),
          )
    for (const currentLeaderEpoch of [0, 1, 7]) {
      const partitions = [0, 1].map((partitionIndex) => ({ partitionIndex, timestamp: LATEST, currentLeaderEpoch }))
      const topics = [{ name: place.name, partitions }]
      await side.atEach(ListOffsets, 7, `epoch ${currentLeaderEpoch}`, { replicaId: -1, topics })
      const asked = [0, 1].map((partition) => ({ partition, currentLeaderEpoch, leaderEpoch: 0 }))
      await side.atEach(OffsetForLeaderEpoch, 4, `epoch ${currentLeaderEpoch}`, {
        replicaId: -1,
        topics: [{ topic: place.name, partitions: asked }],
      })
    }
    for (const lastFetchedEpoch of [0, 1, 5])
      for (const offset of [1, 2])
        await side.atEach(Fetch, 12, `last fetched epoch ${lastFetchedEpoch}, from ${offset}`, {
          ...fetchOf(12, place, { offset, lastFetchedEpoch }),
        })
    for (const leaderEpoch of [-1, 0, 1, 2]) {
      const partitions = [{ partition: 0, currentLeaderEpoch: 1, leaderEpoch }]
      await side.atEach(OffsetForLeaderEpoch, 4, `end of epoch ${leaderEpoch}`, {
        replicaId: -1,
        topics: [{ topic: place.name, partitions }],
      })
    }
  },
}

/** A follower learns the high watermark a moment later than the leader. */
function withoutPositions(
  responses: readonly {
    partitions: readonly { highWatermark: number; lastStableOffset: number; records: unknown }[]
  }[],
) {
  return responses.map(({ partitions, ...rest }) => ({
    ...rest,
    partitions: partitions.map(({ highWatermark, lastStableOffset, records: _, ...others }) => ({
      ...others,
      isServed: highWatermark >= 0 && lastStableOffset >= 0,
    })),
  }))
}

const nearest: Scenario = {
  name: 'records: the replica in the rack of the consumer is preferred',
  run: async (side) => {
    const [place, small] = await createTopics(side, [
      ['nearest', [[1, 2, 3]]],
      ['nearest-two', [[1, 2]]],
    ])
    for (const each of [place!, small!]) {
      await produce(side, 1, each.name, batchOf('a', 'b'))
      for (const nodeId of each === place ? [1, 2, 3] : [1, 2]) await highWatermarkIs(side, nodeId, each, 2)
    }
    await waitFor('the leader knows how far its followers are', async () => {
      const { responses } = await side.at(1)(Fetch, 11, '~', fetchOf(11, place!, { rack: 'c', offset: 2 }))
      return responses[0]?.partitions[0]?.preferredReadReplica === 3
    })
    for (const version of [10, 11, 12, 16])
      for (const each of [place!, small!])
        for (const rack of ['', 'a', 'b', 'c', 'x'])
          for (const offset of [0, 2]) {
            const fetch = fetchOf(version, each, { rack, offset })
            await side.atEach(Fetch, version, `${each.name} from ${offset}, rack '${rack}'`, fetch)
          }
    await side.at(1)(Fetch, 12, 'beyond the end, rack b', fetchOf(12, place!, { rack: 'b', offset: 9 }))
  },
}

export const otherBrokerScenarios: readonly Scenario[] = [records, epochs, nearest]
