import { AddOffsetsToTxn } from '../../protocol/apis/add-offsets-to-txn.ts'
import { AddPartitionsToTxn } from '../../protocol/apis/add-partitions-to-txn.ts'
import { DescribeTransactions } from '../../protocol/apis/describe-transactions.ts'
import { EndTxn } from '../../protocol/apis/end-txn.ts'
import { FindCoordinator } from '../../protocol/apis/find-coordinator.ts'
import { InitProducerId } from '../../protocol/apis/init-producer-id.ts'
import { ListTransactions } from '../../protocol/apis/list-transactions.ts'
import { Metadata } from '../../protocol/apis/metadata.ts'
import { OffsetFetch } from '../../protocol/apis/offset-fetch.ts'
import { TxnOffsetCommit } from '../../protocol/apis/txn-offset-commit.ts'
import { WriteTxnMarkers } from '../../protocol/apis/write-txn-markers.ts'
import { coordinatorPartition } from '../../src/coordinator/java-hash.ts'
import { type Identity, transactions } from '../differential/transactions.ts'
import { waitFor } from '../wait-for.ts'
import { groupsByCoordinator } from './group-scenarios.ts'
import type { Scenario } from './scenario.ts'
import type { Side } from './side.ts'
import { createTopic, createTopics, electPreferred, inSync, type Place, partitionsOf } from './topics.ts'

const TOPIC = '__transaction_state'
const PARTITIONS = 3

/** A transactional id that this broker coordinates, as long as every leader is the preferred one. */
function idOf(coordinator: number, what: string): string {
  for (let i = 0; ; i++) {
    const id = `${what}-${i}`
    if (coordinatorPartition(id, PARTITIONS) === coordinator - 1) return id
  }
}

/** Creates the topic of the transactions with known leaders: a broker would choose them at random. */
export async function createTransactionsTopic(side: Side): Promise<void> {
  const configs = { 'cleanup.policy': 'compact', 'min.insync.replicas': '2', 'segment.bytes': '104857600' }
  const assignment = [
    [1, 2, 3],
    [2, 3, 1],
    [3, 1, 2],
  ]
  await createTopics(side, [[TOPIC, assignment, configs]])
  for (const coordinator of [1, 2, 3]) await coordinates(side, coordinator, idOf(coordinator, 'warm'))
}

/** Waits until this broker coordinates the transactional id and has loaded it, and has producer ids. */
async function coordinates(side: Side, nodeId: number, transactionalId: string): Promise<void> {
  await waitFor(`broker ${nodeId} of ${side.cluster.name} coordinates ${transactionalId}`, async () => {
    const request = { transactionalId: idOf(nodeId, 'warm'), transactionTimeoutMs: 60_000 }
    const { errorCode } = await side.at(nodeId)(InitProducerId, 4, '~', request)
    const described = await side.at(nodeId)(DescribeTransactions, 0, '~', { transactionalIds: [transactionalId] })
    return errorCode === 0 && ![14, 15, 16].includes(described.transactionStates[0]!.errorCode)
  })
}

/** Gets an id and an epoch. Not compared: a broker of Kafka has no producer ids for a moment now and then. */
async function begin(side: Side, nodeId: number, transactionalId: string): Promise<Identity> {
  await coordinates(side, nodeId, transactionalId)
  return waitFor(`broker ${nodeId} of ${side.cluster.name} gives ${transactionalId} a producer id`, async () => {
    const answer = await side.at(nodeId)(InitProducerId, 5, '~', { transactionalId, transactionTimeoutMs: 60_000 })
    const { errorCode, producerId, producerEpoch } = answer
    return errorCode === 0 ? { transactionalId, producerId, producerEpoch } : undefined
  })
}

async function stateIs(side: Side, nodeId: number, transactionalId: string, state: string): Promise<void> {
  await waitFor(`${transactionalId} of ${side.cluster.name} is ${state}`, async () => {
    const { transactionStates } = await side.at(nodeId)(DescribeTransactions, 0, '~', {
      transactionalIds: [transactionalId],
    })
    return transactionStates[0]?.transactionState === state
  })
}

function produce(side: Side, nodeId: number, what: string, who: Identity, place: Place, index: number) {
  return transactions(side.at(nodeId)).produce(what, who, place, 0, { index })
}

const finding: Scenario = {
  name: 'transactions: each broker names the coordinator of each',
  run: async (side) => {
    const ids = [1, 2, 3].map((coordinator) => idOf(coordinator, 'found'))
    for (const version of [1, 3])
      for (const key of ids) await side.atEach(FindCoordinator, version, key, { key, keyType: 1 })
    for (const version of [4, 6])
      await side.atEach(FindCoordinator, version, 'three', { keyType: 1, coordinatorKeys: ids })
  },
}

/** Requests of every API at brokers that coordinate the transaction, and that do not. Broker 2 does. */
const notCoordinator: Scenario = {
  name: 'transactions: every request to brokers that coordinate and that do not',
  run: async (side) => {
    const transactionalId = idOf(2, 'asked')
    const place = await createTopic(side, 'transactions-topic', [[1, 2, 3]])
    const groupId = groupsByCoordinator[1]!
    const nobody = { transactionalId, producerId: 5, producerEpoch: 0 }
    const topics = [{ name: place.name, partitions: [0] }]
    for (const version of [0, 2, 5])
      for (const nodeId of [1, 3])
        await side.at(nodeId)(InitProducerId, version, 'elsewhere', { transactionalId, transactionTimeoutMs: 1000 })
    for (const version of [0, 2, 3])
      await side.atEach(AddPartitionsToTxn, version, 'of nobody', {
        v3AndBelowTransactionalId: transactionalId,
        v3AndBelowProducerId: 5,
        v3AndBelowProducerEpoch: 0,
        v3AndBelowTopics: topics,
      })
    for (const verifyOnly of [false, true])
      await side.atEach(AddPartitionsToTxn, 5, `of nobody, verify only: ${verifyOnly}`, {
        transactions: [{ ...nobody, verifyOnly, topics }],
      })
    for (const version of [0, 2, 4]) await side.atEach(AddOffsetsToTxn, version, 'of nobody', { ...nobody, groupId })
    for (const version of [0, 2, 4, 5]) await side.atEach(EndTxn, version, 'of nobody', { ...nobody, committed: true })
    const ids = [1, 2, 3].map((coordinator) => idOf(coordinator, 'asked'))
    await side.atEach(DescribeTransactions, 0, 'three', { transactionalIds: ids })
    for (const version of [0, 2])
      await side.atEach(ListTransactions, version, 'of no producer', { producerIdFilters: [-5] })
    const partitions = [{ partitionIndex: 0, committedOffset: 1 }]
    for (const version of [0, 3, 5])
      await side.atEach(TxnOffsetCommit, version, 'of nobody', {
        ...nobody,
        groupId,
        topics: [{ name: place.name, partitions }],
      })
    const marker = { ...nobody, transactionResult: false, coordinatorEpoch: 0 }
    for (const version of [1, 2])
      await side.atEach(WriteTxnMarkers, version, 'of nobody', {
        markers: [{ ...marker, topics: [{ name: place.name, partitionIndexes: [0, 1] }] }],
      })
  },
}

/** The coordinator is broker 3; the partitions and the group's offsets are led by all three. */
const elsewhere: Scenario = {
  name: 'transactions: markers go to the brokers that lead the partitions',
  run: async (side) => {
    const place = await createTopic(side, 'transactions-elsewhere', [
      [1, 2],
      [2, 3],
      [3, 1],
    ])
    const id = idOf(3, 'elsewhere')
    const groupId = groupsByCoordinator[1]!
    let who = await begin(side, 3, id)
    const coordinator = transactions(side.at(3))
    for (const committed of [true, false]) {
      const what = committed ? 'committed' : 'aborted'
      for (const [index, leader] of [1, 2, 3].entries()) await produce(side, leader, `to be ${what}`, who, place, index)
      await produce(side, 1, `to be ${what}, at a follower`, who, place, 1)
      const topics = [
        { topicId: place.topicId, partitions: [{ partitionIndex: 0, committedOffset: committed ? 7 : 8 }] },
      ]
      await side.at(1)(TxnOffsetCommit, 6, `to be ${what}`, { ...who, groupId, topics })
      const asked = [{ groupId, topics: [{ name: place.name, partitionIndexes: [0] }] }]
      for (const requireStable of [false, true])
        await side.at(1)(OffsetFetch, 8, `before it is ${what}, stable: ${requireStable}`, {
          groups: asked,
          requireStable,
        })
      await coordinator.describe(`before it is ${what}`, id)
      who = await coordinator.end(what, who, committed)
      await coordinator.describe(what, id)
      for (const [index, leader] of [1, 2, 3].entries()) await transactions(side.at(leader)).look(what, place, index)
      await side.at(1)(OffsetFetch, 8, what, { groups: asked, requireStable: true })
    }
  },
}

/** A transaction that broker 3 coordinates, before, while and after it is gone. */
export const movingTransaction = {
  async before(side: Side, what: string): Promise<Identity> {
    const id = idOf(3, `moving-${what}`)
    await createTopic(side, `moving-transactions-${what}`, [[1, 2]])
    await electPreferred(side, TOPIC, 2, 3)
    const who = await begin(side, 3, id)
    await produce(side, 1, 'before', who, await placeOf(side, what), 0)
    return who
  },

  async during(side: Side, what: string, who: Identity): Promise<Identity> {
    await inSync(side, [TOPIC])
    const leader = (await partitionsOf(side, 1, TOPIC))[2]!.leaderId
    side.note(`coordinator of transactions after 3 was ${what}`, leader)
    await coordinates(side, leader, who.transactionalId)
    await stateIs(side, leader, who.transactionalId, 'Ongoing')
    await side.atEach(FindCoordinator, 4, `3 ${what}`, { keyType: 1, coordinatorKeys: [who.transactionalId] })
    const coordinator = transactions(side.at(leader))
    await coordinator.describe(`3 ${what}`, who.transactionalId)
    const next = await coordinator.end('commits', who, true)
    await transactions(side.at(1)).look(`3 ${what}`, await placeOf(side, what))
    await produce(side, 1, `3 ${what}`, next, await placeOf(side, what), 0)
    return next
  },

  async after(side: Side, what: string, who: Identity): Promise<void> {
    await inSync(side, [TOPIC])
    await electPreferred(side, TOPIC, 2, 3)
    await coordinates(side, 3, who.transactionalId)
    await stateIs(side, 3, who.transactionalId, 'Ongoing')
    await side.at(1)(EndTxn, 5, `3 is back after it was ${what}`, { ...who, committed: true })
    await transactions(side.at(3)).end(`3 is back after it was ${what}`, who, false)
    await transactions(side.at(1)).look(`3 is back after it was ${what}`, await placeOf(side, what))
  },
}

async function placeOf(side: Side, what: string): Promise<Place> {
  const name = `moving-transactions-${what}`
  const { topics } = await side.at(1)(Metadata, 12, '~', { topics: [{ name }] })
  return { name, topicId: topics[0]!.topicId }
}

export const transactionScenarios: readonly Scenario[] = [finding, notCoordinator, elsewhere]
