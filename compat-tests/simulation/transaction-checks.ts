import { DescribeProducers } from '../../protocol/apis/describe-producers.ts'
import { DescribeTransactions } from '../../protocol/apis/describe-transactions.ts'
import { ListOffsets } from '../../protocol/apis/list-offsets.ts'
import { ListTransactions } from '../../protocol/apis/list-transactions.ts'
import { errorName } from '../../protocol/error-codes.ts'
import type { ApiSchema, Fields, InputValue, ValueOf } from '../../protocol/schema.ts'
import type { PartitionHistory } from './broker-model.ts'
import { ClusterClient } from './cluster-client.ts'
import { type Copy, copiesOf } from './copy-application.ts'
import { check } from './storage-model.ts'
import { nameOf } from './transaction-ledger.ts'
import type { TransactionWorld } from './transaction-world.ts'

const LATEST = -1

/** Answers of a broker that does not serve a transactional id now. */
const elsewhere: ReadonlySet<string> = new Set([
  ...['NOT_COORDINATOR', 'COORDINATOR_LOAD_IN_PROGRESS', 'COORDINATOR_NOT_AVAILABLE'],
])

/** A transactional id as its coordinator describes it. */
export interface DescribedTransaction {
  readonly transactionalId: string
  readonly transactionState: string
  readonly transactionTimeoutMs: number
  readonly transactionStartTimeMs: number
  readonly producerId: number
  readonly producerEpoch: number
  /** Sorted. */
  readonly partitions: readonly string[]
}

/** Asks all running brokers about transactions, and checks in the end what became of all of them. */
export class TransactionChecks {
  readonly #world: TransactionWorld
  readonly #client: ClusterClient
  readonly #transactionalIds: readonly string[]

  constructor(world: TransactionWorld, transactionalIds: readonly string[]) {
    this.#world = world
    this.#transactionalIds = transactionalIds
    this.#client = new ClusterClient(world.broker, 'checker', { isReliable: true })
  }

  #askAll<Q extends Fields, S extends Fields>(
    api: ApiSchema<Q, S>,
    version: number,
    request: InputValue<Q>,
  ): Promise<ValueOf<S>[]> {
    const { broker, host } = this.#world
    const nodeIds = broker.isSeveral ? broker.running : [broker.anyNode]
    return host.settle(Promise.all(nodeIds.map((nodeId) => this.#client.at(nodeId).ask(api, version, request))))
  }

  /** One broker at most describes a transactional id, and lists it. Returns those that are described, by id. */
  async described(): Promise<ReadonlyMap<string, DescribedTransaction>> {
    const answers = await this.#askAll(DescribeTransactions, 0, { transactionalIds: this.#transactionalIds })
    const described = new Map<string, DescribedTransaction>()
    const known = new Set<string>()
    for (const { errorCode, topics, ...each } of answers.flatMap(({ transactionStates }) => transactionStates)) {
      const { transactionalId } = each
      const error = errorName(errorCode)
      if (elsewhere.has(error)) continue
      check(!known.has(transactionalId), `two brokers answer for ${transactionalId}`)
      known.add(transactionalId)
      check(error === 'NONE' || error === 'TRANSACTIONAL_ID_NOT_FOUND', `${transactionalId} is described as ${error}`)
      const partitions = topics.flatMap(({ topic, partitions: indexes }) => indexes.map((index) => `${topic}-${index}`))
      if (error === 'NONE') described.set(transactionalId, { ...each, partitions: partitions.sort() })
    }
    return described
  }

  /** All transactional ids that brokers list, each once. Undefined while one of them loads. */
  async listed(): Promise<ReadonlyMap<string, string> | undefined> {
    const answers = await this.#askAll(ListTransactions, 1, { stateFilters: [], producerIdFilters: [] })
    if (answers.some(({ errorCode }) => errorCode !== 0)) return undefined
    const states = new Map<string, string>()
    for (const { transactionalId, transactionState } of answers.flatMap((each) => each.transactionStates)) {
      check(!states.has(transactionalId), `two brokers list ${transactionalId}`)
      states.set(transactionalId, transactionState)
    }
    return states
  }

  /** After a restart nothing is forgotten: what was described before it is as it was, or has gone on since. */
  checkReplayed(
    before: ReadonlyMap<string, DescribedTransaction>,
    after: ReadonlyMap<string, DescribedTransaction>,
  ): void {
    const nowMs = this.#world.host.clock.nowMs()
    for (const [transactionalId, was] of before) {
      const is = after.get(transactionalId)
      const place = `${transactionalId}: a restart made ${JSON.stringify(is)} of ${JSON.stringify(was)}`
      check(is !== undefined && is.producerId === was.producerId, place)
      if (is.transactionState !== was.transactionState) check(mayFollow(was, is, nowMs), place)
      else {
        // The next coordinator does not know which markers are written: it writes all of them again, in any order.
        const { partitions } = is.transactionState.startsWith('Prepare') ? is : was
        check(JSON.stringify(is) === JSON.stringify({ ...was, partitions }), place)
      }
    }
  }

  /** No transaction is open or being ended, and each partition is stable up to its end. */
  async unsettled(): Promise<string | undefined> {
    const listed = await this.listed()
    if (listed === undefined) return 'a coordinator loads'
    for (const [transactionalId, state] of listed)
      if (['Ongoing', 'PrepareCommit', 'PrepareAbort'].includes(state)) return `${transactionalId} is ${state}`
    const { topics, broker, host } = this.#world
    for (const { name, topic, index } of topics.partitions) {
      const nodeId = broker.leaderOf(topic.plan.name, index)
      if (nodeId === undefined) return `${name} has no leader`
      const asked = { topics: [{ name: topic.plan.name, partitionIndexes: [index] }] }
      const answer = await host.settle(this.#client.at(nodeId).ask(DescribeProducers, 0, asked))
      const { errorCode, activeProducers } = answer.topics[0]!.partitions[0]!
      if (errorCode !== 0) return `${name}: ${errorName(errorCode)}`
      const open = activeProducers.find(({ currentTxnStartOffset }) => currentTxnStartOffset >= 0)
      if (open !== undefined) return `${name}: a transaction of ${JSON.stringify(open)} is open`
      const [stable, end] = [
        await this.#endOf(nodeId, { topic, index }, 1),
        await this.#endOf(nodeId, { topic, index }, 0),
      ]
      if (stable !== end) return `${name} is stable up to ${stable}, and ends at ${end}`
    }
    return undefined
  }

  /** End of a partition for consumers of an isolation level. */
  async #endOf(nodeId: number, { topic, index }: Pick<PartitionHistory, 'topic' | 'index'>, isolationLevel: number) {
    const topics = [{ name: topic.plan.name, partitions: [{ partitionIndex: index, timestamp: LATEST }] }]
    const request = { replicaId: -1, isolationLevel, topics, timeoutMs: 0 }
    const answer = await this.#world.host.settle(this.#client.at(nodeId).ask(ListOffsets, 6, request))
    return answer.topics[0]!.partitions[0]!.offset
  }

  /** End of a partition. */
  endOf(partition: PartitionHistory): Promise<number> {
    return this.#endOf(this.#world.broker.leaderOf(partition.topic.plan.name, partition.index)!, partition, 0)
  }

  /** Each transaction is visible as a whole or not at all, as its client knows. All partitions were read to their end. */
  checkWhole(): void {
    const { ledger, contents } = this.#world
    for (const attempt of ledger.attempts()) {
      const kept = attempt.records.filter(
        ({ partition: { topic } }) => topic.isAlive && !this.#isPassing(topic.plan.name),
      )
      const committed = kept.filter(({ partition, id }) => contents.fateOf(partition, id) === 'committed')
      const place = `${nameOf(attempt)}, ${attempt.end}: ${committed.length} of ${kept.length} records are committed`
      const isNone = committed.length === 0
      if (attempt.end === 'committed') check(committed.length === kept.length, place)
      else if (attempt.end === 'commit sent') check(isNone || committed.length === kept.length, place)
      else check(isNone, place)
    }
    for (const partition of this.#world.topics.partitions) contents.checkEpochs(partition)
  }

  #isPassing(name: string): boolean {
    return this.#world.topics.passing.some(({ plan }) => plan.name === name)
  }

  /** Each input record below the committed offset is copied exactly once, in order, and no other is. */
  checkCopied(copy: Copy, offsets: ReadonlyMap<number, number>): void {
    const { topics, contents, ledger } = this.#world
    const expected = new Map<string, string>()
    for (const [index, end] of offsets)
      for (let offset = 0; offset < end; offset++)
        for (const { copyOf, partition } of copiesOf(copy, { index, offset }, topics.outputs))
          expected.set(copyOf, partition.name)
    const found = new Set<string>()
    for (const partition of topics.outputs) {
      const last = new Map<string, number>()
      for (const id of contents.committedIn(partition)) {
        const { copyOf, transaction } = ledger.recordOf(id)
        if (copyOf === undefined || transaction!.instance.transactionalId !== copy.transactionalId) continue
        const place = `${partition.name}: ${id} of ${nameOf(transaction!)} copies "${copyOf}"`
        check(expected.get(copyOf) === partition.name, `${place}, which is not committed`)
        check(!found.has(copyOf), `${place}, which was copied before`)
        found.add(copyOf)
        const [, index, offset] = copyOf.split(' ')
        check(Number(offset) >= (last.get(index!) ?? -1), `${place}, and ${last.get(index!)} came before`)
        last.set(index!, Number(offset))
      }
    }
    const missing = [...expected.keys()].find((each) => !found.has(each))
    check(missing === undefined, `${copy.transactionalId}: "${missing}" is committed and was not copied`)
  }
}

/** Whether a transaction may have gone on from a state to another one while no client asked. */
function mayFollow(was: DescribedTransaction, is: DescribedTransaction, nowMs: number): boolean {
  const [from, to] = [was.transactionState, is.transactionState]
  if (from === 'PrepareCommit') return to === 'CompleteCommit'
  if (from === 'PrepareAbort') return to === 'CompleteAbort'
  const isTimedOut = was.transactionStartTimeMs + was.transactionTimeoutMs < nowMs
  return from === 'Ongoing' && isTimedOut && (to === 'PrepareAbort' || to === 'CompleteAbort')
}
