import { type ErrorName, isRejection } from '../../../protocol/error-codes.ts'
import type { Host } from '../../../storage/host/host.ts'
import type { MetadataImage } from '../../metadata/metadata-image.ts'
import { coordinatorPartition } from '../java-hash.ts'
import { TRANSACTION_TOPIC } from './open-transaction-coordinator.ts'
import { EPOCH_BUMP_VERSION, type TopicPartitions } from './transaction.ts'
import type { FindTransactionBroker } from './transaction-brokers.ts'
import type { TransactionCoordinator } from './transaction-coordinator.ts'
import type { Producer } from './transitions.ts'

/** Settings, under their Kafka names in camel case. */
export interface PartitionVerificationConfig {
  readonly transactionPartitionVerificationEnable: boolean
  readonly addPartitionsToTxnRetryBackoffMaxMs: number
}

/**
 * What a client expects of the broker, by the version of its request: that it adds partitions to the transaction
 * (KIP-890), or that it only verifies them. Source: AddPartitionsToTxnManager.TransactionSupportedOperation.
 */
export type TransactionSupport = 'adds partitions' | 'knows TRANSACTION_ABORTABLE' | 'basic'

/** A producer's transaction, and the partitions of it that this broker is about to write to. */
export interface AskedPartitions extends Producer {
  readonly transactionalId: string
  readonly partitions: TopicPartitions
}

/** Error of each partition that may not be written to. */
export type PartitionErrors = (topic: string, partition: number) => ErrorName | undefined

const noErrors: PartitionErrors = () => undefined

/**
 * Asks the transaction coordinator before the first append of a transaction to a partition, so that no record is left
 * behind in a transaction that nobody ends. Source: AddPartitionsToTxnManager, ReplicaManager.handleProduceAppend.
 */
export class PartitionVerification {
  readonly #host: Pick<Host, 'clock' | 'timers'>
  readonly #image: () => MetadataImage
  readonly #config: () => PartitionVerificationConfig
  readonly #find: FindTransactionBroker

  constructor(parts: {
    readonly host: Pick<Host, 'clock' | 'timers'>
    image(): MetadataImage
    config(): PartitionVerificationConfig
    readonly find: FindTransactionBroker
  }) {
    this.#host = parts.host
    this.#image = parts.image
    this.#config = parts.config
    this.#find = parts.find
  }

  /** Whether appends have to be verified. Source: transaction.partition.verification.enable. */
  isNeeded(support: TransactionSupport): boolean {
    return support === 'adds partitions' || this.#config().transactionPartitionVerificationEnable
  }

  /** A promise only if the coordinator has to write. */
  ask(asked: AskedPartitions, support: TransactionSupport): PartitionErrors | Promise<PartitionErrors> {
    return support === 'adds partitions' ? this.#add(asked) : this.#verify(asked, support)
  }

  #coordinator(transactionalId: string): TransactionCoordinator | undefined {
    const partitions = this.#image().topicsByName.get(TRANSACTION_TOPIC)?.partitions
    if (partitions === undefined) return undefined
    const leader = partitions[coordinatorPartition(transactionalId, partitions.length)]?.leader ?? -1
    return this.#find(leader)?.transactions
  }

  #verify(asked: AskedPartitions, support: TransactionSupport): PartitionErrors | Promise<PartitionErrors> {
    const { transactionalId, partitions } = asked
    const coordinator = this.#coordinator(transactionalId)
    if (coordinator === undefined) return () => 'COORDINATOR_NOT_AVAILABLE'
    const outcome = coordinator.missingPartitions(transactionalId, asked, partitions)
    const answer = (missing: Awaited<typeof outcome>): PartitionErrors => {
      if (isRejection(missing)) return always(missing.error)
      const error = support === 'basic' ? 'INVALID_TXN_STATE' : 'TRANSACTION_ABORTABLE'
      return (topic, partition) => (missing.get(topic)?.includes(partition) ? error : undefined)
    }
    return outcome instanceof Promise ? outcome.then(answer) : answer(outcome)
  }

  /** While the transaction before is being completed, it waits a little: its client was told already that it has ended. */
  async #add(asked: AskedPartitions): Promise<PartitionErrors> {
    const { addPartitionsToTxnRetryBackoffMaxMs: longestMs } = this.#config()
    const deadlineMs = this.#host.clock.monotonicMs() + longestMs
    for (;;) {
      const error = await this.#addOnce(asked)
      const leftMs = deadlineMs - this.#host.clock.monotonicMs()
      if (error !== 'CONCURRENT_TRANSACTIONS' || leftMs <= 0) return error === undefined ? noErrors : always(error)
      await this.#untilComplete(asked.transactionalId, leftMs)
    }
  }

  async #addOnce(asked: AskedPartitions): Promise<ErrorName | undefined> {
    const coordinator = this.#coordinator(asked.transactionalId)
    if (coordinator === undefined) return 'COORDINATOR_NOT_AVAILABLE'
    const { transactionalId, partitions } = asked
    const outcome = await coordinator.addPartitions(transactionalId, asked, partitions, EPOCH_BUMP_VERSION)
    return isRejection(outcome) ? outcome.error : undefined
  }

  #untilComplete(transactionalId: string, longestMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#host.timers.after(longestMs, resolve)
      const done = () => {
        timer.cancel()
        resolve()
      }
      const coordinator = this.#coordinator(transactionalId)
      if (coordinator === undefined) done()
      else coordinator.onComplete(transactionalId, done)
    })
  }
}

/** Clients know the error of a partition under another name. */
function always(error: ErrorName): PartitionErrors {
  const told = error === 'PRODUCER_FENCED' ? 'INVALID_PRODUCER_EPOCH' : error
  return () => told
}
