import { TextTooLongError } from '../../protocol/byte-writer.ts'
import { isRejection, type Rejection, reject } from '../../protocol/error-codes.ts'
import { Backoff, failureOfPart, inBackground } from '../../storage/failure-policy.ts'
import type { Host, Timer } from '../../storage/host/host.ts'
import type { VerificationGuard, VerifiedProducer } from '../../storage/partition-log.ts'
import type { MetadataChange } from '../metadata/metadata-store.ts'
import type { Logger } from '../observe/logger.ts'
import { type CoordinatorRecord, encodeRecords } from './coordinator-record.ts'
import { Deadlines } from './deadlines.ts'
import type { Decision, Shard } from './shard.ts'
import {
  type AppendOptions,
  type CoordinatorLog,
  CorruptStateError,
  type LoadedRecord,
  type StateRecord,
  TooFewReplicasError,
  type TransactionEnd,
} from './state-log.ts'

/** Operation on a shard: it decides or refuses. */
export type Operation<S, R> = (shard: S) => Decision<R> | Rejection

/** Operation that a deadline starts; undefined if nothing is left to do. */
export type TimedOperation<S> = (shard: S) => Decision<void> | undefined

/** State machine in memory and its timers, from one load of the log to the next. */
interface LoadedState<S> {
  readonly shard: S
  readonly deadlines: Deadlines<TimedOperation<S>>
}

export interface ShardParts<S> {
  readonly host: Host
  readonly logger: Logger
  /** For log messages: topic and partition. */
  readonly name: string
  readonly log: CoordinatorLog
  readonly create: (deadlines: Deadlines<TimedOperation<S>>) => S
}

/**
 * Runs the state machine of one partition of a coordinator's topic: decide, append, replay, respond when flushed. The
 * next decision sees staged changes at once, but no response goes out before all changes it may depend on are flushed.
 * A failed append discards the memory and loads the log again. Source: CoordinatorRuntime.CoordinatorContext.
 */
export class ShardRuntime<S extends Shard> {
  readonly #parts: ShardParts<S>
  /** Undefined while the shard is loading, failed or closed. */
  #loaded: LoadedState<S> | undefined
  #loading: Promise<void> | undefined
  #isFailed = false
  /** The data directory of the log failed: it is not loaded again before the next start. */
  #isOffline = false
  #closed = false
  readonly #backoff = new Backoff()
  /** Timer for the next attempt to load. */
  #retry: Timer | undefined
  /** An append failed and none has succeeded since. */
  #hasFailedAppend = false
  /** Last logged reason of a failed load: each reason is logged once. */
  #loggedReason: string | undefined
  /** Resolves once all staged changes are flushed or lost, and never rejects; undefined if nothing is staged. */
  #flushed: Promise<void> | undefined
  #order = 0

  constructor(parts: ShardParts<S>) {
    this.#parts = parts
  }

  /** Replays the log from its start. Resolves when the shard is active, failed to load, or was closed. */
  load(): Promise<void> {
    this.#loading ??= this.#tryToLoad().finally(() => {
      this.#loading = undefined
    })
    return this.#loading
  }

  /** Resolves once no load is running. */
  settled(): Promise<void> {
    return this.#loading ?? Promise.resolve()
  }

  /** True after a failed load, until the next attempt. */
  get isFailed(): boolean {
    return this.#isFailed
  }

  /** The shard, for reads that need not wait for a flush; undefined while loading. */
  get current(): S | undefined {
    return this.#loaded?.shard
  }

  /** Closes the shard; waiting requests get NOT_COORDINATOR. */
  close(): void {
    this.#closed = true
    this.#retry?.cancel()
    this.#unload()
  }

  /** The data directory of the log failed; that is already logged. Waiting requests get NOT_COORDINATOR. */
  takeOffline(): void {
    this.#isOffline = true
    this.#isFailed = true
    this.#retry?.cancel()
    this.#unload()
  }

  /**
   * COORDINATOR_LOAD_IN_PROGRESS, NOT_COORDINATOR, or the operation's refusal or response. In a transaction also the
   * log's refusal of its producer; nothing is changed then.
   */
  write<R>(operation: Operation<S, R>, transaction?: AppendOptions['transaction']): Outcome<R> {
    const loaded = this.#loaded
    if (loaded === undefined) return this.#notServing()
    const decision = operation(loaded.shard)
    if (isRejection(decision)) return decision
    return this.#carryOut(loaded, decision, transaction)
  }

  /** Reads from memory; responds when all state it read is flushed. */
  read<R>(look: (shard: S) => R | Rejection): Outcome<R> {
    const loaded = this.#loaded
    if (loaded === undefined) return this.#notServing()
    const seen = look(loaded.shard)
    return this.#flushed === undefined ? seen : this.#afterFlush(loaded, this.#flushed, () => seen)
  }

  /** Appends the end of a transaction and applies its pending changes, or answers the log's refusal of the marker. */
  endTransaction(end: TransactionEnd): Outcome<undefined> {
    const loaded = this.#loaded
    if (loaded === undefined) return this.#notServing()
    const { log, host } = this.#parts
    const refusal = log.refusal() ?? log.transactionRefusal(end)
    if (refusal !== undefined) return refusal
    const flushed = this.#stage(loaded, log.endTransaction(end, { nowMs: host.clock.nowMs() }))
    this.#order++
    loaded.shard.replayMarker(end.producerId, end.result)
    return this.#afterFlush(loaded, flushed, () => undefined)
  }

  /**
   * As PartitionLog.beginVerification. Also while the shard is loading: Kafka refuses only the write that follows. Errors:
   * NOT_COORDINATOR, COORDINATOR_NOT_AVAILABLE.
   */
  beginVerification(producer: VerifiedProducer): Outcome<VerificationGuard | undefined> {
    if (this.#closed || this.#isFailed) return this.#notServing()
    const begun = this.#parts.log.beginVerification(producer)
    return begun instanceof Promise ? begun.then(asCoordinatorAnswer) : asCoordinatorAnswer(begun)
  }

  /** Kafka's answers. Clients of all ages look up the coordinator again after NOT_COORDINATOR. */
  #notServing(): Rejection {
    return reject(this.#closed || this.#isFailed ? 'NOT_COORDINATOR' : 'COORDINATOR_LOAD_IN_PROGRESS', null)
  }

  metadataChanged(change: MetadataChange): void {
    const loaded = this.#loaded
    if (loaded === undefined) return
    const decision = loaded.shard.metadataChanged(change)
    if (decision !== undefined) this.#inBackground(loaded, decision)
  }

  #carryOut<R>(loaded: LoadedState<S>, decision: Decision<R>, transaction?: AppendOptions['transaction']): Outcome<R> {
    const { records, response, appended } = decision
    const finish = () => {
      appended?.()
      return response
    }
    if (records.length === 0) {
      return this.#flushed === undefined ? finish() : this.#afterFlush(loaded, this.#flushed, finish)
    }
    const encoded = this.#prepare(decision, transaction)
    if (isRejection(encoded)) {
      decision.refused?.()
      return encoded
    }
    const flushed = this.#stage(loaded, this.#append(encoded, transaction))
    if (decision.replay !== false) {
      const producerId = transaction?.producerId ?? -1
      for (const record of records) loaded.shard.replay(record, { order: this.#order++, producerId })
    }
    return this.#afterFlush(loaded, flushed, finish)
  }

  /** The records as they are written, or why they are not: they fit into no batch, or the log refuses them. */
  #prepare(decision: Decision<unknown>, transaction: AppendOptions['transaction']): readonly StateRecord[] | Rejection {
    const encoded = this.#encode(decision.records)
    if (encoded === undefined || (decision.atomic !== false && this.#isTooLarge(encoded))) {
      return reject('UNKNOWN_SERVER_ERROR')
    }
    const { log } = this.#parts
    // What is in memory already would have to be undone: a refused append then leads to another load.
    const refused = decision.replay === false ? undefined : log.refusal()
    return refused ?? (transaction && log.transactionRefusal(transaction)) ?? encoded
  }

  /**
   * Undefined if a record cannot carry a name chosen by a client: a member id contains the client id, which may be too
   * long.
   */
  #encode(records: readonly CoordinatorRecord[]): StateRecord[] | undefined {
    try {
      return encodeRecords(records)
    } catch (error) {
      if (!(error instanceof TextTooLongError)) throw error
      this.#parts.logger.warn(
        { log: this.#parts.name, reason: error.message },
        'Records with a text over 32767 bytes are not written.',
      )
      return undefined
    }
  }

  #isTooLarge(records: readonly StateRecord[]): boolean {
    const { log, logger, name } = this.#parts
    const isTooLarge = sizeOf(records) > log.maxBatchBytes
    if (isTooLarge) logger.error({ log: name, records: records.length }, 'Records too large for one batch.')
    return isTooLarge
  }

  #append(records: readonly StateRecord[], transaction: AppendOptions['transaction']): Promise<unknown> {
    const { log, host } = this.#parts
    const options: AppendOptions =
      transaction === undefined ? { nowMs: host.clock.nowMs() } : { nowMs: host.clock.nowMs(), transaction }
    if (sizeOf(records) <= log.maxBatchBytes) return log.append(records, options)
    return Promise.all(inBatches(records, log.maxBatchBytes).map((batch) => log.append(batch, options)))
  }

  /** Tracks the append and handles its failure. */
  #stage(loaded: LoadedState<S>, appended: Promise<unknown>): Promise<void> {
    const flushed = appended.then(
      () => {
        this.#hasFailedAppend = false
        this.#backoff.succeeded()
        if (this.#flushed === flushed) this.#flushed = undefined
      },
      (error) => this.#lost(loaded, error),
    )
    this.#flushed = flushed
    return flushed
  }

  async #afterFlush<R>(loaded: LoadedState<S>, flushed: Promise<void>, finish: () => R): Promise<R | Rejection> {
    await flushed
    return this.#stillServing(loaded) ?? finish()
  }

  #stillServing(loaded: LoadedState<S>): Rejection | undefined {
    return this.#loaded === loaded ? undefined : reject('NOT_COORDINATOR', null)
  }

  #lost(loaded: LoadedState<S>, error: unknown): void {
    if (this.#loaded !== loaded) return
    const { host, logger, name } = this.#parts
    const { message } = failureOfPart(host, error)
    const fields = { log: name, reason: message }
    if (error instanceof TooFewReplicasError) logger.warn(fields, `${name}: too few replicas; its state is reloaded`)
    else logger.error(fields, `${name}: an append failed; its state is reloaded`)
    this.#unload()
    // A full disk would cause one load after the other.
    if (this.#hasFailedAppend) this.#retryLater()
    else inBackground(host, this.load())
    this.#hasFailedAppend = true
  }

  #unload(): void {
    const loaded = this.#loaded
    this.#loaded = undefined
    this.#flushed = undefined
    if (loaded === undefined) return
    loaded.deadlines.close()
    loaded.shard.unloaded()
  }

  async #tryToLoad(): Promise<void> {
    if (this.#closed || this.#isOffline || this.#loaded !== undefined) return
    this.#isFailed = false
    try {
      await this.#loadOnce()
      if (!this.#hasFailedAppend) this.#backoff.succeeded()
    } catch (error) {
      this.#loadFailed(failureOfPart(this.#parts.host, error))
    }
  }

  /** Damaged bytes are read again only in a new leader epoch or at the next start, as in Kafka. */
  #loadFailed(error: Error): void {
    if (this.#closed || this.#isOffline) return
    const isDamaged = error instanceof CorruptStateError
    const { logger, name } = this.#parts
    if (error.message !== this.#loggedReason) {
      const outlook = isDamaged ? '' : '; retrying'
      logger.error(
        { log: name },
        `${name} cannot be loaded, so what it coordinates is not served: ${error.message}${outlook}`,
      )
    }
    this.#loggedReason = error.message
    if (isDamaged) this.#isFailed = true
    else this.#retryLater()
  }

  #retryLater(): void {
    const { host } = this.#parts
    this.#isFailed = true
    this.#retry = host.timers.after(this.#backoff.failed(), () => inBackground(host, this.load()))
  }

  async #loadOnce(): Promise<void> {
    const deadlines = new Deadlines<TimedOperation<S>>(this.#parts.host, (operation) => this.#fire(operation))
    const shard = this.#parts.create(deadlines)
    let leftOut = 0
    try {
      await this.#parts.log.load((stored) => {
        if (!this.#replayStored(shard, stored)) leftOut++
      })
    } catch (error) {
      deadlines.close()
      throw error
    }
    if (this.#closed || this.#isOffline) {
      deadlines.close()
      return
    }
    if (leftOut > 0) {
      const { logger, name } = this.#parts
      logger.warn({ log: name }, `${name}: ${leftOut} records of unknown types were skipped`)
    }
    this.#loaded = { shard, deadlines }
    this.#loggedReason = undefined
    shard.loaded()
  }

  /** False if records of this kind are not supported. */
  #replayStored(shard: S, stored: LoadedRecord): boolean {
    this.#order = stored.offset + 1
    if (stored.marker !== undefined) {
      shard.replayMarker(stored.producerId, stored.marker)
      return true
    }
    const record = shard.decode(stored)
    if (record !== undefined) shard.replay(record, { order: stored.offset, producerId: stored.producerId })
    return record !== undefined
  }

  #fire(operation: TimedOperation<S>): void {
    const loaded = this.#loaded
    if (loaded === undefined) return
    const decision = operation(loaded.shard)
    if (decision !== undefined) this.#inBackground(loaded, decision)
  }

  #inBackground(loaded: LoadedState<S>, decision: Decision<void>): void {
    const outcome = this.#carryOut(loaded, decision)
    if (outcome instanceof Promise) inBackground(this.#parts.host, outcome)
  }
}

/** Result for a caller: immediate if nothing had to be flushed. */
export type Outcome<R> = R | Rejection | Promise<R | Rejection>

/** Source: CoordinatorOperationExceptionHelper. */
function asCoordinatorAnswer<R>(begun: R | Rejection): R | Rejection {
  if (!isRejection(begun)) return begun
  switch (begun.error) {
    case 'UNKNOWN_TOPIC_OR_PARTITION':
      return reject('COORDINATOR_NOT_AVAILABLE', null)
    case 'NOT_LEADER_OR_FOLLOWER':
    case 'KAFKA_STORAGE_ERROR':
      return reject('NOT_COORDINATOR', null)
    default:
      return begun
  }
}

/** Most bytes that a record takes beyond key and value: lengths, deltas, attributes. */
const RECORD_OVERHEAD_BYTES = 32
const BATCH_OVERHEAD_BYTES = 61

function sizeOf(records: readonly StateRecord[]): number {
  let size = BATCH_OVERHEAD_BYTES
  for (const record of records) size += sizeOfOne(record)
  return size
}

function sizeOfOne({ key, value }: StateRecord): number {
  return key.length + (value?.length ?? 0) + RECORD_OVERHEAD_BYTES
}

function inBatches(records: readonly StateRecord[], maxBytes: number): StateRecord[][] {
  const batches: StateRecord[][] = []
  let size = Number.POSITIVE_INFINITY
  for (const record of records) {
    size += sizeOfOne(record)
    if (size > maxBytes) {
      batches.push([])
      size = BATCH_OVERHEAD_BYTES + sizeOfOne(record)
    }
    batches.at(-1)!.push(record)
  }
  return batches
}
