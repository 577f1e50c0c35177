import type { ProduceRequest } from '../../protocol/apis/produce.ts'
import { type ErrorName, isRejection } from '../../protocol/error-codes.ts'
import { BATCH_HEADER_BYTES, batchesOf, NO_PRODUCER_ID, RecordBatch } from '../../protocol/records/record-batch.ts'
import type { VerificationGuard, VerifiedProducer } from '../../storage/partition-log.ts'
import type { PartitionErrors, TransactionSupport } from '../coordinator/transaction/partition-verification.ts'
import type { Producer } from '../coordinator/transaction/transitions.ts'
import type { Partition } from '../partition/partition.ts'
import type { FoundPartition } from '../partition/partition-registry.ts'
import type { RequestContext } from './handler.ts'

type TopicData = ProduceRequest['topicData'][number]

/** First version with TRANSACTION_ABORTABLE, and first whose clients do not add partitions themselves (KIP-890). */
const [ABORTABLE_VERSION, ADDING_VERSION] = [11, 12]

/** Partitions looked at between two slices. */
const PARTITIONS_PER_STEP = 16

/** Errors that clients of all ages retry as NOT_ENOUGH_REPLICAS. */
const retried: ReadonlySet<ErrorName> = new Set([
  'NETWORK_EXCEPTION',
  'COORDINATOR_LOAD_IN_PROGRESS',
  'COORDINATOR_NOT_AVAILABLE',
  'NOT_COORDINATOR',
])

/** Refusal of one partition. message: null unless the response has one. */
export interface PartitionRefusal {
  readonly error: ErrorName
  readonly message: string | null
}

/** Whether the transactional records of a request may be appended to a partition. */
export interface VerifiedProduce {
  refusalOf(topic: string, partition: number): PartitionRefusal | undefined
  /** For the log: see AppendContext. */
  verificationOf(topic: string, partition: number): VerificationGuard | null | undefined
}

/** For requests without transaction, or if partitions need not be verified. */
export const notVerified: VerifiedProduce = { refusalOf: () => undefined, verificationOf: () => undefined }

/** One partition with transactional records. */
interface TransactionalPart {
  readonly target: ProduceTarget
  readonly index: number
  readonly baseSequence: number
}

/** The producers of a request's transactional batches. */
export function transactionalProducers(request: ProduceRequest): Producer[] {
  const producers = new Map<string, Producer>()
  for (const { partitionData } of request.topicData) {
    for (const { records } of partitionData) {
      const batch = transactionalBatch(records)
      if (batch === undefined) continue
      const { producerId, producerEpoch } = batch
      producers.set(`${producerId}/${producerEpoch}`, { producerId, producerEpoch })
    }
  }
  return [...producers.values()]
}

export function hasTransactionalRecords(records: Buffer | null): boolean {
  if (records === null || records.length < BATCH_HEADER_BYTES) return false
  const batch = new RecordBatch(records)
  return !batch.isLegacy && batch.isTransactional
}

/** The transactional batch of a producer. Several batches are refused as a whole when they are appended. */
function transactionalBatch(records: Buffer | null): RecordBatch | undefined {
  if (!hasTransactionalRecords(records)) return undefined
  const [batch, second] = batchesOf(records!, 0, records!.length, 2).batches
  return batch !== undefined && second === undefined && batch.producerId > NO_PRODUCER_ID ? batch : undefined
}

/** Where records are to be appended. */
export interface ProduceTarget {
  /** Of the topic. */
  readonly name: string
  find(): Partition | ErrorName | Promise<FoundPartition>
}

/** Undefined if there is no such topic. */
export type FindTarget = (topic: TopicData, index: number, records: Buffer | null) => ProduceTarget | undefined

/**
 * Asks the transaction coordinator about those partitions of a request in which the transaction is not open yet. Yields
 * promises while it waits. Source: ReplicaManager.handleProduceAppend.
 */
export function* verifyProduce(
  request: ProduceRequest,
  producer: Producer,
  find: FindTarget,
  { apiVersion, services }: RequestContext,
): Generator<unknown, VerifiedProduce> {
  const support = supportOf(apiVersion)
  if (!services.partitionVerification.isNeeded(support)) return notVerified
  const parts = transactionalParts(request, find)
  const opening = parts.map(({ target }) => target.find()).filter((found) => found instanceof Promise)
  if (opening.length > 0) yield Promise.all(opening)
  const verification = new Verification(support)
  for (const [at, part] of parts.entries()) {
    verification.begin(part, producer)
    if (at % PARTITIONS_PER_STEP === PARTITIONS_PER_STEP - 1) yield
  }
  const { partitions } = verification
  if (partitions.size === 0) return verification
  const asked = { transactionalId: request.transactionalId!, partitions, ...producer }
  const answered = services.partitionVerification.ask(asked, support)
  if (!(answered instanceof Promise)) verification.errors = answered
  else {
    yield answered.then((errors) => {
      verification.errors = errors
    })
  }
  return verification
}

function transactionalParts(request: ProduceRequest, find: FindTarget): TransactionalPart[] {
  const parts: TransactionalPart[] = []
  for (const topic of request.topicData) {
    for (const { index, records } of topic.partitionData) {
      const first = transactionalBatch(records)
      const target = first === undefined ? undefined : find(topic, index, records)
      if (target !== undefined) parts.push({ target, index, baseSequence: first!.baseSequence })
    }
  }
  return parts
}

function supportOf(apiVersion: number): TransactionSupport {
  if (apiVersion >= ADDING_VERSION) return 'adds partitions'
  return apiVersion >= ABORTABLE_VERSION ? 'knows TRANSACTION_ABORTABLE' : 'basic'
}

/** Guards and refusals of the partitions of one request. */
class Verification implements VerifiedProduce {
  readonly #guards = new Map<string, Map<number, VerificationGuard>>()
  readonly #refusals = new Map<string, PartitionRefusal>()
  readonly #support: TransactionSupport
  /** The coordinator's answer. */
  errors: PartitionErrors = () => undefined

  constructor(support: TransactionSupport) {
    this.#support = support
  }

  /** Partitions to ask the coordinator about. */
  get partitions(): ReadonlyMap<string, ReadonlySet<number>> {
    return new Map([...this.#guards].map(([topic, guards]) => [topic, new Set(guards.keys())]))
  }

  begin(part: TransactionalPart, producer: Producer): void {
    const { target, index, baseSequence } = part
    const topic = target.name
    const bumpsEpoch = this.#support === 'adds partitions'
    const guard = this.#guardIn(target.find(), { baseSequence, bumpsEpoch, ...producer })
    if (guard === undefined) return
    if (typeof guard === 'string') this.#refusals.set(keyOf(topic, index), { error: guard, message: null })
    else this.#guardsOf(topic).set(index, guard)
  }

  /** Undefined: nothing is to be verified. */
  #guardIn(
    partition: ReturnType<ProduceTarget['find']>,
    producer: VerifiedProducer,
  ): VerificationGuard | ErrorName | undefined {
    // This broker may lead it by the time of the append, and would miss the verification then.
    if (typeof partition === 'string') return partition
    if (partition instanceof Promise) return 'NOT_LEADER_OR_FOLLOWER'
    const guard = partition.log.beginVerification(producer)
    return guard !== undefined && isRejection(guard) ? guard.error : guard
  }

  #guardsOf(topic: string): Map<number, VerificationGuard> {
    const known = this.#guards.get(topic) ?? new Map<number, VerificationGuard>()
    this.#guards.set(topic, known)
    return known
  }

  refusalOf(topic: string, partition: number): PartitionRefusal | undefined {
    const refused = this.#refusals.get(keyOf(topic, partition))
    if (refused !== undefined || !this.#guards.get(topic)?.has(partition)) return refused
    const error = this.errors(topic, partition)
    return error === undefined ? undefined : toldAs(error, this.#support)
  }

  verificationOf(topic: string, partition: number): VerificationGuard | null {
    return this.#guards.get(topic)?.get(partition) ?? null
  }
}

function keyOf(topic: string, partition: number): string {
  return `${topic}/${partition}`
}

/** The coordinator's error as clients that produce know it, in Kafka's words. */
function toldAs(error: ErrorName, support: TransactionSupport): PartitionRefusal {
  if (error === 'INVALID_TXN_STATE') return { error, message: 'Partition was not added to the transaction' }
  // Clients that add no partitions themselves expect CONCURRENT_TRANSACTIONS.
  const isRetried = retried.has(error) || (error === 'CONCURRENT_TRANSACTIONS' && support !== 'adds partitions')
  if (!isRetried) return { error, message: null }
  const message = `Unable to verify the partition has been added to the transaction. Underlying error: ${error}`
  return { error: 'NOT_ENOUGH_REPLICAS', message }
}
