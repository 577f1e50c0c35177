import { AddOffsetsToTxn } from '../../protocol/apis/add-offsets-to-txn.ts'
import { AddPartitionsToTxn } from '../../protocol/apis/add-partitions-to-txn.ts'
import { EndTxn } from '../../protocol/apis/end-txn.ts'
import { InitProducerId } from '../../protocol/apis/init-producer-id.ts'
import { TxnOffsetCommit } from '../../protocol/apis/txn-offset-commit.ts'
import { errorName } from '../../protocol/error-codes.ts'
import { ZERO_UUID } from '../../protocol/schema.ts'
import { mayBeGone } from './all-topics.ts'
import { BatchSender, type OutgoingBatch } from './batch-sender.ts'
import type { PartitionHistory } from './broker-model.ts'
import { TRANSACTION_KEY } from './cluster-client.ts'
import { CoordinatorClient } from './coordinator-client.ts'
import { Refused, untilAnswered } from './patient-requests.ts'
import { check } from './storage-model.ts'
import { type Instance, nameOf, type TransactionAttempt, type WrittenRecord } from './transaction-ledger.ts'
import type { TransactionWorld } from './transaction-world.ts'
import type { Turns } from './turns.ts'

/** How a client speaks of transactions: before KIP-890, or with it. */
export const schemes = ['classic', 'KIP-890'] as const
export type Scheme = (typeof schemes)[number]

/** Versions of requests that clients of a scheme send. */
const versions = {
  classic: { init: [3, 4], produce: [9, 10, 11], commit: [3, 4], end: [3, 4] },
  'KIP-890': { init: [4, 5], produce: [12, 13], commit: [5], end: [5] },
} as const

/** A member of a group in whose name offsets are committed. */
export interface CommittingMember {
  readonly generationIdOrMemberEpoch: number
  readonly memberId: string
  readonly groupInstanceId: string | null
}

export const NO_MEMBER: CommittingMember = { generationIdOrMemberEpoch: -1, memberId: '', groupInstanceId: null }

/** The coordinator does not know the id, or knows it with another producer. */
const EXPIRED = 'INVALID_PRODUCER_ID_MAPPING'

/** Refusals that end the life of a producer: another one has replaced it, or its transaction took too long. */
const fencing: ReadonlySet<string> = new Set([
  ...['PRODUCER_FENCED', 'INVALID_PRODUCER_EPOCH', 'INVALID_TXN_STATE', 'TRANSACTION_ABORTABLE'],
  EXPIRED,
])
/** The member is no longer in the group. */
const removed: ReadonlySet<string> = new Set(['UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION', 'FENCED_INSTANCE_ID'])

/** transaction.version is 0, and the client is of KIP-890. */
const UNSUPPORTED = 'UNSUPPORTED_VERSION'

/** Virtual time beyond its timeout after which a transaction may have been aborted. Clocks do not jump. */
const MARGIN_MS = 50

/**
 * One producer with a transactional id, which behaves like a stock client: it repeats requests until they are answered,
 * and throws Refused once it must begin anew.
 */
export class TransactionProducer {
  readonly instance: Instance
  readonly scheme: Scheme
  readonly timeoutMs: number
  readonly #world: TransactionWorld
  readonly #turns: Turns
  readonly #coordinator: CoordinatorClient
  readonly #sender: BatchSender
  /** Partitions that the open transaction has; a classic client adds them itself. */
  readonly #added = new Set<PartitionHistory>()
  #hasGroup = false
  #attempt: TransactionAttempt | undefined
  /** When the last request was sent that its coordinator has carried out. */
  #servedMs = Number.NEGATIVE_INFINITY

  constructor(
    world: TransactionWorld,
    turns: Turns,
    wanted: {
      readonly transactionalId: string
      readonly name: string
      readonly scheme: Scheme
      readonly timeoutMs: number
    },
  ) {
    const { transactionalId, name, scheme, timeoutMs } = wanted
    this.#world = world
    this.#turns = turns
    this.scheme = scheme
    this.timeoutMs = timeoutMs
    this.instance = world.ledger.newInstance(transactionalId, name)
    this.#coordinator = new CoordinatorClient(world.broker, transactionalId, name, TRANSACTION_KEY)
    const version = world.random.pick<number>(versions[scheme].produce)
    this.#sender = new BatchSender(world, turns, { name, transactionalId, version, instance: this.instance })
  }

  /** A commit is under way. */
  get isCommitting(): boolean {
    return this.#attempt?.end === 'commit sent'
  }

  get #isClassic(): boolean {
    return this.scheme === 'classic'
  }

  #pick(api: 'init' | 'commit' | 'end'): number {
    return this.#world.random.pick<number>(versions[this.scheme][api])
  }

  /** Gets an id and an epoch. keepsId: it asks for the next epoch of its own id (KIP-360). */
  async init({ keepsId = false } = {}): Promise<void> {
    const { instance, timeoutMs: transactionTimeoutMs } = this
    const { transactionalId } = instance
    const own = keepsId ? instance.producer! : { producerId: -1, producerEpoch: -1 }
    const version = this.#pick('init')
    const request = { transactionalId, transactionTimeoutMs, ...own, enable2Pc: false, keepPreparedTxn: false }
    const { ledger } = this.#world
    if (!keepsId) ledger.beginsAnew(instance)
    let known = ledger.asks(instance)
    let isLost = false
    const answer = await this.#ask(
      () => {
        known = ledger.asks(instance)
        return this.#coordinator.ask(InitProducerId, version, request)
      },
      ({ errorCode }) => {
        const error = errorName(errorCode)
        instance.isAsking = isLost
        // A coordinator that moved meanwhile may have stored the next epoch: Kafka does not know the retry either.
        if (keepsId && error === 'NOT_COORDINATOR') instance.mayBeFenced = true
        return error
      },
      // The request without answer may be carried out after the next one.
      () => {
        isLost = true
        instance.mayBeFenced = true
      },
    )
    ledger.given(instance, { producerId: answer.producerId, producerEpoch: answer.producerEpoch }, known)
    if (keepsId) this.#world.counts.renewedEpochs++
    this.#sender.restart()
    this.#forget()
  }

  #forget(): void {
    this.#added.clear()
    this.#hasGroup = false
    this.#attempt = undefined
  }

  begin(): TransactionAttempt {
    this.#attempt = this.#world.ledger.begin(this.instance, this.#world.host.clock.monotonicMs())
    return this.#attempt
  }

  /** True if the records are all written. False: the transaction must be given up. */
  async send(records: readonly WrittenRecord[]): Promise<boolean> {
    const batches = this.#batchesOf(records)
    if (this.#isClassic && !(await this.#addPartitions(batches))) return false
    return this.#guarded(() => this.#sender.send(batches))
  }

  /** Up to three batches for each partition. */
  #batchesOf(records: readonly WrittenRecord[]): OutgoingBatch[] {
    const { random } = this.#world
    const batches: { partition: PartitionHistory; records: WrittenRecord[] }[] = []
    for (const record of records) {
      const last = batches.findLast(({ partition }) => partition === record.partition)
      if (last === undefined || random.oneIn(3)) batches.push({ partition: record.partition, records: [record] })
      else last.records.push(record)
    }
    return batches.map((batch) => this.#sender.compose(batch.partition, batch.records))
  }

  async #addPartitions(batches: readonly OutgoingBatch[]): Promise<boolean> {
    const missing = new Set(batches.map(({ partition }) => partition).filter((each) => !this.#added.has(each)))
    if (missing.size === 0) return true
    const { transactionalId } = this.instance
    const { producerId, producerEpoch } = this.instance.producer!
    const topics = new Map<string, number[]>()
    for (const { topic, index } of missing) topics.set(topic.plan.name, [...(topics.get(topic.plan.name) ?? []), index])
    let isGone = false
    const answer = await this.#ask(
      () =>
        this.#coordinator.ask(AddPartitionsToTxn, 3, {
          transactions: [],
          v3AndBelowTransactionalId: transactionalId,
          v3AndBelowProducerId: producerId,
          v3AndBelowProducerEpoch: producerEpoch,
          v3AndBelowTopics: [...topics].map(([name, partitions]) => ({ name, partitions })),
        }),
      ({ resultsByTopicV3AndBelow: results }) => {
        const errors = results.flatMap(({ resultsByPartition }) =>
          resultsByPartition.map(({ partitionErrorCode }) => errorName(partitionErrorCode)),
        )
        isGone =
          errors.includes('UNKNOWN_TOPIC_OR_PARTITION') && [...missing].some(({ topic }) => mayBeGone(topic.plan.name))
        return isGone
          ? 'NONE'
          : (errors.find((each) => each !== 'NONE' && each !== 'OPERATION_NOT_ATTEMPTED') ?? errors[0]!)
      },
    )
    if (isGone) return false
    check(answer.resultsByTopicV3AndBelow.length === topics.size, 'not all topics were answered')
    for (const each of missing) this.#added.add(each)
    return true
  }

  /** Commits offsets of an input topic in the transaction. */
  async commitOffsets(
    group: { readonly groupId: string; readonly client: CoordinatorClient; readonly member: () => CommittingMember },
    topic: string,
    offsets: ReadonlyMap<number, number>,
  ): Promise<void> {
    const { transactionalId, producer } = this.instance
    const { groupId, client, member } = group
    const named = { transactionalId, ...producer!, groupId }
    for (const [partition, offset] of offsets) this.#attempt!.offsets.set(partition, offset)
    if (this.#isClassic && !this.#hasGroup) {
      await this.#ask(
        () => this.#coordinator.ask(AddOffsetsToTxn, 3, named),
        ({ errorCode }) => errorName(errorCode),
      )
      this.#hasGroup = true
    }
    const partitions = [...offsets].map(([partitionIndex, committedOffset]) => {
      return { partitionIndex, committedOffset, committedLeaderEpoch: -1, committedMetadata: '' }
    })
    const topics = [{ name: topic, topicId: ZERO_UUID, partitions }]
    const version = this.#pick('commit')
    await this.#ask(
      () => client.ask(TxnOffsetCommit, version, { ...named, ...member(), topics }),
      (answer) => {
        const errors = answer.topics.flatMap((each) => each.partitions.map(({ errorCode }) => errorName(errorCode)))
        check(errors.length === offsets.size, 'not all offsets were answered')
        return errors.find((each) => each !== 'NONE') ?? 'NONE'
      },
      () => {},
      client,
    )
  }

  /** Aborts a transaction after records that may be missing: the sequence numbers begin anew in another epoch. */
  async giveUp(): Promise<void> {
    await this.end('abort')
    await this.init({ keepsId: true })
  }

  /** Ends the transaction. */
  async end(result: 'commit' | 'abort'): Promise<void> {
    const { ledger } = this.#world
    const attempt = this.#attempt!
    const version = this.#pick('end')
    const { transactionalId, producer } = this.instance
    const request = { transactionalId, ...producer!, committed: result === 'commit' }
    /** A request without a clear answer may have been carried out, unless the producer was fenced by then. */
    let isUncertain = false
    let wasFenced = false
    let known: ReadonlyMap<number, number> = new Map()
    try {
      const answer = await this.#ask(
        () => {
          known = ledger.epochs
          wasFenced ||= this.instance.isFenced
          if (result === 'commit') ledger.commits(attempt)
          return this.#coordinator.ask(EndTxn, version, request)
        },
        ({ errorCode }) => {
          const error = errorName(errorCode)
          // The coordinator may have lost its place after the decision was written.
          if (error === 'NOT_COORDINATOR' || error === 'COORDINATOR_NOT_AVAILABLE') isUncertain ||= !wasFenced
          // No partition was added, as one of a topic that is gone was among them: nothing is open.
          const isNothingOpen = result === 'abort' && this.#isClassic && this.#added.size === 0 && !this.#hasGroup
          return isNothingOpen && error === 'INVALID_TXN_STATE' ? 'NONE' : error
        },
        () => {
          isUncertain ||= !wasFenced
        },
      )
      check(!wasFenced, `${nameOf(attempt)}: its ${result} is acknowledged, and another producer has a newer epoch`)
      if (result === 'commit') ledger.committed(attempt)
      else ledger.aborted(attempt)
      if (!this.#isClassic) {
        ledger.given(this.instance, { producerId: answer.producerId, producerEpoch: answer.producerEpoch }, known)
        this.#sender.restart()
      }
      this.#forget()
    } catch (error) {
      if (error instanceof Refused && result === 'commit') ledger.refused(attempt, !isUncertain)
      throw error
    }
  }

  /** Asks until there is an answer that counts. */
  #ask<T>(
    ask: () => Promise<T>,
    errorOf: (answer: T) => string,
    lost: () => void = () => {},
    client: CoordinatorClient = this.#coordinator,
  ): Promise<T> {
    return this.#guarded(() => {
      const { clock } = this.#world.host
      let wasFenced = false
      let sentMs = 0
      const sending = () => {
        wasFenced = this.instance.isFenced
        sentMs = clock.monotonicMs()
        return ask()
      }
      const answered = (answer: T) => {
        const error = errorOf(answer)
        const { name, producer } = this.instance
        this.#world.trace({ name, producer, error, answer: JSON.stringify(answer) }, 'asked')
        if (error === 'CONCURRENT_TRANSACTIONS') this.#world.counts.concurrent++
        if (error === 'NONE' && client === this.#coordinator) this.#servedMs = sentMs
        if (wasFenced) {
          this.#world.counts.zombieRequests++
          check(error !== 'NONE', `${this.instance.name} is served, and another producer has a newer epoch`)
        }
        return error
      }
      return untilAnswered(this.#turns, client, sending, answered, lost)
    })
  }

  /** A producer is refused for a reason only. */
  async #guarded<T>(task: () => Promise<T>): Promise<T> {
    try {
      return await task()
    } catch (error) {
      if (!(error instanceof Refused) || error.isFounded || this.#world.isFailing) throw error
      const { name, mayBeFenced, producer } = this.instance
      const isTooNew = error.error === UNSUPPORTED && !this.#isClassic && this.#world.hadVersionZero
      const isKnown = fencing.has(error.error) || removed.has(error.error) || isTooNew
      const who = `${name}, producer ${producer?.producerId} with epoch ${producer?.producerEpoch}`
      check(isKnown, `${who}, was answered ${error.error}`)
      const isExpired = error.error === EXPIRED && this.#mayBeExpired
      if (isExpired) this.#world.counts.expired++
      const isFounded = isExpired || mayBeFenced || this.#mayBeTimedOut || removed.has(error.error) || isTooNew
      check(isFounded, `${who}, was answered ${error.error} without a reason`)
      throw error
    }
  }

  get #mayBeExpired(): boolean {
    return this.#world.host.clock.monotonicMs() - this.#servedMs >= this.#world.expirationMs - MARGIN_MS
  }

  get #mayBeTimedOut(): boolean {
    if (this.#attempt === undefined) return false
    return this.#world.host.clock.monotonicMs() - this.#attempt.startedMs >= this.timeoutMs - MARGIN_MS
  }
}
