import { AddOffsetsToTxn } from '../../protocol/apis/add-offsets-to-txn.ts'
import { AddPartitionsToTxn } from '../../protocol/apis/add-partitions-to-txn.ts'
import { DescribeProducers } from '../../protocol/apis/describe-producers.ts'
import { DescribeTransactions } from '../../protocol/apis/describe-transactions.ts'
import { EndTxn } from '../../protocol/apis/end-txn.ts'
import { Fetch, type FetchResponse } from '../../protocol/apis/fetch.ts'
import { FindCoordinator } from '../../protocol/apis/find-coordinator.ts'
import { InitProducerId } from '../../protocol/apis/init-producer-id.ts'
import { ListOffsets } from '../../protocol/apis/list-offsets.ts'
import { Produce } from '../../protocol/apis/produce.ts'
import { TxnOffsetCommit } from '../../protocol/apis/txn-offset-commit.ts'
import type { BatchOptions } from '../../protocol/records/batch-builder.ts'
import { readEndTransactionMarker } from '../../protocol/records/control-records.ts'
import { batchesOf } from '../../protocol/records/record-batch.ts'
import { RecordFault, readRecords } from '../../protocol/records/record-reader.ts'
import type { ApiSchema, InputValue, ValueOf } from '../../protocol/schema.ts'
import { waitFor } from '../wait-for.ts'
import { batchOf, FIRST_FETCH_BY_ID, FIRST_PRODUCE_BY_ID, type Place, someTimeMs } from './record-scenarios.ts'
import { type At, newest } from './scenario.ts'
import type { Loose, Send } from './transcript.ts'

/** What a producer says it is. */
export interface Identity {
  readonly transactionalId: string
  readonly producerId: number
  readonly producerEpoch: number
}

/** An offset of a transaction. */
type CommitPartition = Loose<InputValue<typeof TxnOffsetCommit.request.fields>['topics'][number]['partitions'][number]>

/** Version of EndTxn from which on each transaction increments the producer's epoch (KIP-890). */
export const FIRST_END_WITH_EPOCH = 5
/** Version of Produce from which on the broker adds partitions to the transaction by itself. */
export const FIRST_PRODUCE_THAT_ADDS = 12
const FIRST_ADD_OF_SEVERAL = 4
const FIRST_COMMIT_BY_ID = 6
/** Longer than a scenario takes. */
const TRANSACTION_TIMEOUT_MS = 60_000
const SECOND_MS = 1000

/** Waits until there is a coordinator for transactions and ids for producers. The requests are not compared. */
export async function transactionsReady(send: Send): Promise<void> {
  await waitFor('a coordinator of transactions', async () => {
    const { coordinators } = await send(FindCoordinator, 4, '~', { keyType: 1, coordinatorKeys: ['warm'] })
    const { errorCode } = await send(InitProducerId, 4, '~', { transactionalId: 'warm', transactionTimeoutMs: 1000 })
    return coordinators[0]?.errorCode === 0 && errorCode === 0
  })
}

/** Waits until no transaction of this id is being completed. */
export async function settled(send: Send, transactionalId: string): Promise<void> {
  await waitFor(`the end of the transaction of ${transactionalId}`, async () => {
    const { transactionStates } = await send(DescribeTransactions, 0, '~', { transactionalIds: [transactionalId] })
    const state = transactionStates[0]?.transactionState
    return state !== undefined && !state.startsWith('Prepare')
  })
}

/** Newest versions of clients before transaction.version 2 (KIP-890), such as those of Kafka 3.9. */
const beforeBumps: Readonly<Record<string, number>> = {
  Produce: 11,
  InitProducerId: 5,
  AddPartitionsToTxn: 3,
  AddOffsetsToTxn: 3,
  EndTxn: 4,
  TxnOffsetCommit: 4,
}

/** Versions of a client that keeps its epoch from transaction to transaction and adds each partition first. */
export const classic: At = (api) => beforeBumps[api.name] ?? newest(api)

/** This version of one API; all others as in `rest`. */
// biome-ignore lint/suspicious/noExplicitAny: any api
export function withVersion(of: ApiSchema<any, any>, version: number, rest: At = newest): At {
  return (api) => (api.key === of.key ? version : rest(api))
}

/** The same identity with a later epoch, or an earlier one. */
export function aged(who: Identity, by: number): Identity {
  return { ...who, producerEpoch: who.producerEpoch + by }
}

/** The requests of a transactional producer, in the versions of `at`. */
export function transactions(send: Send, at: At = newest) {
  const init = (what: string, transactionalId: string | null, wish: object = {}) =>
    send(InitProducerId, at(InitProducerId), what, {
      ...{ transactionalId, transactionTimeoutMs: TRANSACTION_TIMEOUT_MS },
      ...wish,
    })

  /** Initialises a transactional id, once the coordinator is there. */
  const begin = async (transactionalId: string, wish: object = {}): Promise<Identity> => {
    await transactionsReady(send)
    const { producerId, producerEpoch } = await init(`(init ${transactionalId})`, transactionalId, wish)
    return { transactionalId, producerId, producerEpoch }
  }

  const addTopics = (what: string, who: Identity, topics: Record<string, number[]>, verifyOnly = false) => {
    const list = Object.entries(topics).map(([name, partitions]) => ({ name, partitions }))
    const version = at(AddPartitionsToTxn)
    if (version >= FIRST_ADD_OF_SEVERAL)
      return send(AddPartitionsToTxn, version, what, { transactions: [{ ...who, verifyOnly, topics: list }] })
    return send(AddPartitionsToTxn, version, what, {
      v3AndBelowTransactionalId: who.transactionalId,
      v3AndBelowProducerId: who.producerId,
      v3AndBelowProducerEpoch: who.producerEpoch,
      v3AndBelowTopics: list,
    })
  }
  const add = (what: string, who: Identity, { name }: Pick<Place, 'name'>, ...partitions: number[]) =>
    addTopics(what, who, { [name]: partitions })

  const addOffsets = (what: string, who: Identity, groupId: string) =>
    send(AddOffsetsToTxn, at(AddOffsetsToTxn), what, { ...who, groupId })

  /** Ends the transaction and waits until it is completed. Returns the identity for the next transaction. */
  const end = async (what: string, who: Identity, committed: boolean): Promise<Identity> => {
    const { errorCode, producerId, producerEpoch } = await send(EndTxn, at(EndTxn), what, { ...who, committed })
    if (errorCode === 0) await settled(send, who.transactionalId)
    return errorCode === 0 && at(EndTxn) >= FIRST_END_WITH_EPOCH ? { ...who, producerId, producerEpoch } : who
  }

  const produce = (
    what: string,
    who: Identity,
    place: Place,
    baseSequence: number,
    wish: BatchOptions & { values?: string[]; index?: number; transactionalId?: string | null } = {},
  ) => {
    const { values = ['a', 'b'], index = 0, transactionalId = who.transactionalId, ...options } = wish
    const { producerId, producerEpoch } = who
    const records = batchOf(values, { producerId, producerEpoch, baseSequence, transactional: true, ...options })
    const topic = at(Produce) >= FIRST_PRODUCE_BY_ID ? { topicId: place.topicId } : { name: place.name }
    const topicData = [{ ...topic, partitionData: [{ index, records }] }]
    return send(Produce, at(Produce), what, { transactionalId, acks: -1, timeoutMs: 5000, topicData })
  }

  const commitOffsets = (
    what: string,
    who: Identity,
    groupId: string,
    { name, topicId }: Place,
    partitions: CommitPartition[],
    wish: object = {},
  ) => {
    const topic = at(TxnOffsetCommit) >= FIRST_COMMIT_BY_ID ? { topicId } : { name }
    return send(TxnOffsetCommit, at(TxnOffsetCommit), what, {
      ...{ ...who, groupId, topics: [{ ...topic, partitions }] },
      ...wish,
    })
  }

  const describe = (what: string, ...transactionalIds: string[]) =>
    send(DescribeTransactions, at(DescribeTransactions), what, { transactionalIds })

  const describeProducers = (what: string, { name }: Pick<Place, 'name'>, ...partitionIndexes: number[]) =>
    send(
      DescribeProducers,
      at(DescribeProducers),
      what,
      { topics: [{ name, partitionIndexes }] },
      ({ topics, ...rest }) => ({
        ...rest,
        topics: topics.map(({ partitions, ...topic }) => ({
          ...topic,
          partitions: partitions.map(({ activeProducers, ...partition }) => ({
            ...partition,
            activeProducers: activeProducers.map((each) => ({
              ...each,
              lastTimestamp: sinceStart(each.lastTimestamp),
            })),
          })),
        })),
      }),
    )

  const fetch = (what: string, { name, topicId }: Place, isolationLevel: number, fetchOffset = 0, partition = 0) => {
    const topic = at(Fetch) >= FIRST_FETCH_BY_ID ? { topicId } : { topic: name }
    const partitions = [{ partition, fetchOffset, partitionMaxBytes: 1 << 20 }]
    const request = { maxWaitMs: 0, minBytes: 0, isolationLevel, topics: [{ ...topic, partitions }] }
    return send(Fetch, at(Fetch), what, request, withBatches)
  }

  const listOffsets = (what: string, place: Place, timestamp: number, isolationLevel: number, partitionIndex = 0) =>
    send(
      ListOffsets,
      at(ListOffsets),
      what,
      {
        ...{ replicaId: -1, isolationLevel: at(ListOffsets) >= 2 ? isolationLevel : 0 },
        topics: [{ name: place.name, partitions: [{ partitionIndex, timestamp }] }],
      },
      ({ topics, ...rest }) => ({
        ...rest,
        topics: topics.map(({ name, partitions }) => ({
          name,
          partitions: partitions.map((each) => ({ ...each, timestamp: sinceStart(each.timestamp) })),
        })),
      }),
    )

  /** What readers of both isolation levels see of a partition, and its producers. */
  const look = async (what: string, place: Place, partition = 0) => {
    for (const isolationLevel of [0, 1]) {
      const level = isolationLevel === 0 ? 'uncommitted' : 'committed'
      await fetch(`${what}: records, ${level}`, place, isolationLevel, 0, partition)
      await listOffsets(`${what}: latest, ${level}`, place, -1, isolationLevel, partition)
    }
    await describeProducers(`${what}: producers`, place, partition)
  }

  return {
    ...{ init, begin, add, addTopics, addOffsets, end, produce, commitOffsets },
    ...{ describe, describeProducers, fetch, listOffsets, look },
  }
}

/** `now` for a time at which a broker wrote a marker, otherwise milliseconds since the first record. */
export function sinceStart(timestamp: number): number | string {
  if (timestamp < 0) return timestamp
  return timestamp - someTimeMs > 30 * SECOND_MS ? 'now' : timestamp - someTimeMs
}

/** The response with the content of its batches. */
function withBatches({ responses, ...rest }: FetchResponse) {
  return {
    ...rest,
    responses: (responses as ValueOf<typeof Fetch.response.fields>['responses']).map(({ partitions, ...topic }) => ({
      ...topic,
      partitions: partitions.map(({ records, ...partition }) => {
        const bytes = Buffer.isBuffer(records) ? records : Buffer.concat(records ?? [])
        return { ...partition, batches: batchesOf(bytes).batches.map(shown) }
      }),
    })),
  }
}

function shown(batch: ReturnType<typeof batchesOf>['batches'][number]) {
  const { baseOffset, lastOffset, count, attributes, producerId, producerEpoch, baseSequence } = batch
  const records = readRecords(batch)
  return {
    ...{ baseOffset, lastOffset, count, flags: attributes, producerId, producerEpoch, baseSequence },
    leaderEpoch: batch.partitionLeaderEpoch,
    maxTimestamp: sinceStart(batch.maxTimestamp),
    records:
      records instanceof RecordFault
        ? records.kind
        : records.map(({ key, value }) =>
            batch.isControl ? readEndTransactionMarker(key, value) : { key: String(key), value: String(value) },
          ),
  }
}
