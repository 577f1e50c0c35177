import type { ErrorName } from '../../../protocol/error-codes.ts'
import { inBackground } from '../../../storage/failure-policy.ts'
import type { Host, Timer } from '../../../storage/host/host.ts'
import type { Slices } from '../../../storage/host/turn-slices.ts'
import type { MetadataImage } from '../../metadata/metadata-image.ts'
import type { Logger } from '../../observe/logger.ts'
import type { TransactionEnd } from '../state-log.ts'
import type { TopicPartitions, Transaction } from './transaction.ts'
import type { MarkerDelivery } from './transaction-context.ts'

const FIRST_PAUSE_MS = 10
const LONGEST_PAUSE_MS = 1000

/** Errors that tell that a newer producer or coordinator has ended the transaction there. */
const fenced: ReadonlySet<ErrorName> = new Set(['INVALID_PRODUCER_EPOCH', 'TRANSACTION_COORDINATOR_FENCED'])

interface SentMarker {
  readonly topic: string
  readonly index: number
  readonly written: Promise<ErrorName>
}

/** Outcome of sending all markers once. isFenced: somebody else has ended the transaction. */
interface Attempt {
  readonly left: TopicPartitions
  readonly isFenced: boolean
}

export interface MarkerDeliveryParts {
  readonly host: Pick<Host, 'timers' | 'fatal'>
  /** For transactions with many partitions. */
  readonly slices: Slices
  readonly logger: Logger
  /** Leader epoch of the shard's partition: leaders refuse markers of older coordinators. */
  readonly coordinatorEpoch: number
  image(): MetadataImage
  /** Writes a marker at a broker; undefined if that broker does not run. */
  write(nodeId: number, topic: string, partition: number, end: TransactionEnd): Promise<ErrorName> | undefined
  /** Called once all markers of the transaction are written; false: it cannot be completed now. */
  complete(transaction: Transaction): Promise<boolean>
}

/**
 * Writes the markers of one shard's prepared transactions at the leaders of their partitions, again and again until
 * each has one. Source: TransactionMarkerChannelManager.
 */
export class LeaderMarkerDelivery implements MarkerDelivery {
  readonly #parts: MarkerDeliveryParts
  /** Partitions without marker, of transactions whose markers are being written, by transactional id. */
  readonly #missing = new Map<string, TopicPartitions>()
  /** Deliveries that wait before the next attempt. */
  readonly #pauses = new Set<() => void>()
  #isClosed = false

  constructor(parts: MarkerDeliveryParts) {
    this.#parts = parts
  }

  deliver(transaction: Transaction): void {
    inBackground(this.#parts.host, this.#deliver(transaction))
  }

  missingOf(transactionalId: string): TopicPartitions | undefined {
    return this.#missing.get(transactionalId)
  }

  metadataChanged(): void {
    this.#endPauses()
  }

  close(): void {
    this.#isClosed = true
    this.#endPauses()
  }

  #endPauses(): void {
    for (const end of [...this.#pauses]) end()
  }

  async #deliver(transaction: Transaction): Promise<void> {
    const { transactionalId } = transaction
    let missing = transaction.partitions
    for (let pauseMs = FIRST_PAUSE_MS; !this.#isClosed; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
      this.#missing.set(transactionalId, missing)
      const { left, isFenced } = await this.#attempt(transaction, missing)
      missing = left
      if (this.#isClosed) return
      this.#missing.set(transactionalId, missing)
      if (isFenced) return
      if (missing.size === 0 && (await this.#parts.complete(transaction))) break
      await this.#pause(pauseMs)
    }
    this.#missing.delete(transactionalId)
  }

  async #attempt(transaction: Transaction, missing: TopicPartitions): Promise<Attempt> {
    const end = this.#endOf(transaction)
    const sent: SentMarker[] = []
    const left = new Map<string, Set<number>>()
    for (const [topic, indexes] of missing) {
      for (const index of indexes) {
        const wait = this.#parts.slices.next()
        if (wait !== undefined) await wait
        if (this.#isClosed) return { left: missing, isFenced: false }
        const written = this.#send(topic, index, end)
        if (written === undefined) add(left, topic, index)
        else if (written !== 'deleted') sent.push({ topic, index, written })
      }
    }
    let isFenced = false
    for (const { topic, index, written } of sent) {
      const error = await written
      if (error === 'NONE') continue
      add(left, topic, index)
      if (fenced.has(error)) isFenced = true
      this.#note(transaction, topic, index, error)
    }
    return { left, isFenced }
  }

  /** Undefined if no running broker leads the partition. */
  #send(topic: string, index: number, end: TransactionEnd): Promise<ErrorName> | 'deleted' | undefined {
    const { image, write } = this.#parts
    const partition = image().topicsByName.get(topic)?.partitions[index]
    return partition === undefined ? 'deleted' : write(partition.leader, topic, index, end)
  }

  #endOf(transaction: Transaction): TransactionEnd {
    const { producerId, producerEpoch, state, clientTransactionVersion } = transaction
    return {
      producerId,
      producerEpoch,
      coordinatorEpoch: this.#parts.coordinatorEpoch,
      result: state === 'PrepareCommit' ? 'commit' : 'abort',
      transactionVersion: clientTransactionVersion,
    }
  }

  #note({ transactionalId }: Transaction, topic: string, partition: number, error: ErrorName): void {
    const fields = { transactionalId, topic, partition, error }
    const { logger } = this.#parts
    if (!fenced.has(error)) logger.debug(fields, 'A marker could not be written; it is sent again.')
    else logger.warn(fields, 'A marker was refused: a newer producer or coordinator has ended the transaction there.')
  }

  /** Ends early if the cluster changes or the delivery is closed. */
  #pause(delayMs: number): Promise<void> {
    if (this.#isClosed) return Promise.resolve()
    return new Promise((resolve) => {
      let timer: Timer | undefined
      const end = () => {
        timer?.cancel()
        this.#pauses.delete(end)
        resolve()
      }
      this.#pauses.add(end)
      timer = this.#parts.host.timers.after(delayMs, end)
    })
  }
}

function add(partitions: Map<string, Set<number>>, topic: string, index: number): void {
  const indexes = partitions.get(topic)
  if (indexes === undefined) partitions.set(topic, new Set([index]))
  else indexes.add(index)
}
