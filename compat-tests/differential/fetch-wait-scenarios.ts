import { DeleteTopics } from '../../protocol/apis/delete-topics.ts'
import { Fetch, type FetchResponse } from '../../protocol/apis/fetch.ts'
import { ZERO_UUID } from '../../protocol/schema.ts'
import {
  batchOf,
  type FetchPartition,
  FIRST_FETCH_BY_ID,
  fakeId,
  type Place,
  placeOf,
  producer,
} from './record-scenarios.ts'
import type { Scenario } from './scenario.ts'
import { changesAreSeen } from './topic-scenarios.ts'
import type { Send } from './transcript.ts'

/**
 * How long fetches may wait, and from when on a response counts as delayed: immediate responses take far less, even on
 * a busy machine.
 */
const MAX_WAIT_MS = 2500
const WAITED_MS = 2400

type Partitions = readonly (readonly [Place, FetchPartition])[]

/** Fetches on a separate connection. Compares the response, the order of its partitions, and whether it was delayed. */
type Ask = (what: string, partitions: Partitions, wish?: object) => Promise<FetchResponse>

function asker(opener: () => Promise<Send>, version: number): Ask {
  return async (what, partitions, wish = {}) => {
    const send = await opener()
    const topics = partitions.map(([{ name, topicId }, partition]) => ({
      ...(version >= FIRST_FETCH_BY_ID ? { topicId } : { topic: name }),
      partitions: [{ partitionMaxBytes: 1 << 20, ...partition }],
    }))
    const startedMs = performance.now()
    return send(Fetch, version, what, { maxWaitMs: MAX_WAIT_MS, minBytes: 1, topics, ...wish }, (answer) => ({
      answer: { ...answer, responses: answer.responses.map(withoutSizes) },
      waited: performance.now() - startedMs > WAITED_MS,
      inOrder: answer.responses.flatMap(({ topic, topicId, partitions }) =>
        partitions.map(({ partitionIndex }) => ({
          topic,
          topicId: topicId === ZERO_UUID ? '' : topicId,
          partitionIndex,
        })),
      ),
    }))
  }
}

/** Kafka fills a limit with part of a batch, which clients discard; Ottla sends whole batches. */
function withoutSizes(topic: FetchResponse['responses'][number]) {
  const hasRecords = (records: readonly Buffer[] | null) => records?.some((slice) => slice.length > 0)
  return {
    ...topic,
    partitions: topic.partitions.map((each) => ({ ...each, records: hasRecords(each.records) })),
  }
}

/** Errors together with an idle partition: which are returned at once, and which are delayed with it. */
const besideIdle: Scenario[] = [4, 6, 9, 11, 12, 13, 16, 18].map((version) => ({
  name: `Fetch v${version}: errors beside an idle partition`,
  run: async (send, opener) => {
    const place = await placeOf(send, `wait-${version}`)
    const produce = producer(send, 9)
    const one = batchOf(['a'])
    for (let i = 0; i < 4; i++) await produce(`(${i})`, place, one)
    const zstd = await placeOf(send, `wait-${version}-zstd`, { 'compression.type': 'zstd' })
    await produce('(zstd)', zstd, one)
    const goes = await placeOf(send, `wait-${version}-goes`)
    const nowhere = { name: `wait-${version}-none`, topicId: fakeId }
    const ask = asker(opener, version)
    const idle = [place, { partition: 1, fetchOffset: 0 }] as const
    const full = (partitionMaxBytes: number) => [place, { partition: 0, fetchOffset: 0, partitionMaxBytes }] as const
    const size = one.length
    const asked: Promise<unknown>[] = [
      ask('nothing but idle', [idle]),
      ask('a missing topic first', [[nowhere, { partition: 0, fetchOffset: 0 }], idle]),
      ask('a missing partition first', [[place, { partition: 7, fetchOffset: 0 }], idle]),
      ask('missing ones alone', [
        [nowhere, { partition: 0, fetchOffset: 0 }],
        [place, { partition: 7, fetchOffset: 0 }],
      ]),
      ask('an offset out of range', [idle, [place, { partition: 0, fetchOffset: 99 }]]),
      ask('an idle topic of zstd', [[zstd, { partition: 1, fetchOffset: 0 }]]),
      ask('a topic of zstd', [[zstd, { partition: 0, fetchOffset: 0 }]]),
      ask('too little of a topic of zstd', [[zstd, { partition: 0, fetchOffset: 0 }]], { minBytes: 1000 }),
      ask('an offset out of range of a topic of zstd', [[zstd, { partition: 0, fetchOffset: 99 }]]),
      ask('two and a half batches of a partition', [full(2.5 * size)], { minBytes: 2.5 * size }),
      ask('two and a half batches of a request', [full(1000)], { minBytes: 2.5 * size, maxBytes: 2.5 * size }),
      ask('one partition full, the other idle', [full(2 * size), idle], { minBytes: 3 * size }),
      ask('a batch larger than its limit', [full(10)], { minBytes: 40 }),
      ask('one byte too few', [full(1000), idle], { minBytes: 4 * size + 1 }),
    ]
    if (version >= 9)
      asked.push(ask('an epoch to come', [idle, [place, { partition: 0, fetchOffset: 4, currentLeaderEpoch: 5 }]]))
    const waiting = ask('a topic that is deleted meanwhile', [[goes, { partition: 0, fetchOffset: 0 }], idle])
    // This response is immediate although its request was sent later: the other request is waiting by now.
    await ask('no partitions', [])
    await send(DeleteTopics, 5, '~', { topicNames: [goes.name], timeoutMs: 5000 })
    await Promise.all([...asked, waiting])
  },
}))

/** What a fetch session returns for partitions with a persistent error. */
const inSessions: Scenario[] = [7, 12, 13, 18].map((version) => ({
  name: `Fetch v${version}: errors that stay in a session`,
  run: async (send, opener) => {
    const place = await placeOf(send, `session-wait-${version}`)
    await producer(send, 9)('(a)', place, batchOf(['a']))
    const goes = await placeOf(send, `session-wait-${version}-goes`)
    const ask = asker(opener, version)
    const partitions: Partitions = [
      [goes, { partition: 0, fetchOffset: 0 }],
      [place, { partition: 9, fetchOffset: 0 }],
      [place, { partition: 0, fetchOffset: 1 }],
    ]
    const { sessionId } = await ask('opens it', partitions, { sessionEpoch: 0, maxWaitMs: 0 })
    await ask('says the missing one again', [], { sessionId, sessionEpoch: 1 })
    await send(DeleteTopics, 5, '~', { topicNames: [goes.name], timeoutMs: 5000 })
    await changesAreSeen(send)
    await ask('says the deleted one', [], { sessionId, sessionEpoch: 2 })
    await ask('says the deleted one again', [], { sessionId, sessionEpoch: 3 })
    await placeOf(send, goes.name)
    await ask('once it was made anew', [], { sessionId, sessionEpoch: 4 })
    await ask('once it was made anew, again', [], { sessionId, sessionEpoch: 5 })
  },
}))

/** Segments: a fetch from an older one does not wait. */
const segments: Scenario = {
  name: 'Fetch v12: min.bytes across segments',
  run: async (send, opener) => {
    const place = await placeOf(send, 'wait-segments', { 'segment.bytes': '1048576' })
    const produce = producer(send, 9)
    const large = batchOf(['x'.repeat(400_000)])
    for (let i = 0; i < 3; i++) await produce(`(${i})`, place, large)
    const ask = asker(opener, 12)
    const at = (fetchOffset: number) => [place, { partition: 0, fetchOffset, partitionMaxBytes: 1 << 23 }] as const
    const wish = { minBytes: 1 << 22 }
    await Promise.all([0, 1, 2].map((offset) => ask(`from ${offset}`, [at(offset)], wish)))
  },
}

/** When a fetch that finds too little data or errors is answered. */
export const fetchWaitScenarios: readonly Scenario[] = [...besideIdle, ...inSessions, segments]
