import { TextTooLongError } from '../../protocol/byte-writer.ts'
import { isRejection, type Rejection, reject } from '../../protocol/error-codes.ts'
import { Backoff, failureOfPart, inBackground } from '../../storage/failure-policy.ts'
import type { Host, Timer } from '../../storage/host/host.ts'
import type { MetadataChange } from '../metadata/metadata-store.ts'
import type { Logger } from '../observe/logger.ts'
import { type CoordinatorRecord, encodeRecord } from './coordinator-record.ts'
import { Deadlines } from './deadlines.ts'
import type { Decision, Shard } from './shard.ts'
import {
  type AppendOptions,
  type CoordinatorLog,
  CorruptStateError,
  type LoadedRecord,
  type StateRecord,
  type TransactionEnd,
} from './state-log.ts'

/** What an operation of a shard is: it decides, and may refuse. */
export type Operation<S, R> = (shard: S) => Decision<R> | Rejection

/** An operation that a deadline starts; undefined: nothing is to be done any more. */
export type TimedOperation<S> = (shard: S) => Decision<void> | undefined

/** State machine in memory, and its timers, from one load of the log to the next. */
interface LoadedState<S> {
  readonly shard: S
  readonly deadlines: Deadlines<TimedOperation<S>>
}

export interface ShardParts<S> {
  readonly host: Host
  readonly logger: Logger
  /** For people: which partition of which topic. */
  readonly name: string
  readonly log: CoordinatorLog
  readonly create: (deadlines: Deadlines<TimedOperation<S>>) => S
}

/**
 * Runs the state machine of one partition of a coordinator's topic: decide, append, replay, answer when flushed. What
 * is staged is seen by the next decision at once, yet nothing is answered before all that it may have seen is flushed.
 * A failed append throws the memory away and loads the log again. Source: CoordinatorRuntime.CoordinatorContext.
 */
export class ShardRuntime<S extends Shard> {
  readonly #parts: ShardParts<S>
  /** Undefined where the shard does not serve: it is loading, failed or closed. */
  #loaded: LoadedState<S> | undefined
  #loading: Promise<void> | undefined
  #isFailed = false
  #closed = false
  readonly #backoff = new Backoff()
  /** Until the next try to load. */
  #retry: Timer | undefined
  /** Appends failed since the last one that did not. */
  #hasLost = false
  /** What was told last of a failed load: each reason is told once. */
  #toldReason: string | undefined
  /** Resolves once everything staged so far is flushed or lost, and never rejects; undefined when nothing is under way. */
  #flushed: Promise<void> | undefined
  #order = 0

  constructor(parts: ShardParts<S>) {
    this.#parts = parts
  }

  /** Replays the log from its start. Resolves when the shard serves, could not be loaded, or was closed. */
  load(): Promise<void> {
    this.#loading ??= this.#tryToLoad().finally(() => {
      this.#loading = undefined
    })
    return this.#loading
  }

  /** Resolves once no load is under way. */
  settled(): Promise<void> {
    return this.#loading ?? Promise.resolve()
  }

  /** True where the log could not be loaded, until the next try. */
  get isFailed(): boolean {
    return this.#isFailed
  }

  /** The shard, for reads that need not wait for what is being flushed; undefined while loading. */
  get current(): S | undefined {
    return this.#loaded?.shard
  }

  /** Takes the shard down: who waits is answered NOT_COORDINATOR. */
  close(): void {
    this.#closed = true
    this.#retry?.cancel()
    this.#end()
  }

  /** COORDINATOR_LOAD_IN_PROGRESS, NOT_COORDINATOR, or what the operation refuses or answers. */
  write<R>(operation: Operation<S, R>, transaction?: AppendOptions['transaction']): Outcome<R> {
    const loaded = this.#loaded
    if (loaded === undefined) return this.#notServing()
    const decision = operation(loaded.shard)
    if (isRejection(decision)) return decision
    return this.#carryOut(loaded, decision, transaction)
  }

  /** An answer from memory, given when everything that is in it is flushed. */
  read<R>(look: (shard: S) => R | Rejection): Outcome<R> {
    const loaded = this.#loaded
    if (loaded === undefined) return this.#notServing()
    const seen = look(loaded.shard)
    return this.#flushed === undefined ? seen : this.#afterFlush(loaded, this.#flushed, () => seen)
  }

  /** Writes the end of a transaction and applies what it had pending. */
  endTransaction(end: TransactionEnd): Outcome<undefined> {
    const loaded = this.#loaded
    if (loaded === undefined) return this.#notServing()
    const flushed = this.#stage(loaded, this.#parts.log.endTransaction(end, { nowMs: this.#parts.host.clock.nowMs() }))
    this.#order++
    loaded.shard.replayMarker(end.producerId, end.result)
    return this.#afterFlush(loaded, flushed, () => undefined)
  }

  /** Kafka's answers. Clients of all ages look for the coordinator again after NOT_COORDINATOR. */
  #notServing(): Rejection {
    return reject(this.#closed || this.#isFailed ? 'NOT_COORDINATOR' : 'COORDINATOR_LOAD_IN_PROGRESS')
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
    const encoded = this.#encode(records)
    if (encoded === undefined || (decision.atomic !== false && this.#isTooLarge(encoded))) {
      decision.refused?.()
      return reject('UNKNOWN_SERVER_ERROR')
    }
    const flushed = this.#stage(loaded, this.#append(encoded, transaction))
    if (decision.replay !== false) {
      const producerId = transaction?.producerId ?? -1
      for (const record of records) loaded.shard.replay(record, { order: this.#order++, producerId })
    }
    return this.#afterFlush(loaded, flushed, finish)
  }

  /** Undefined where a client has given itself a name that no record can carry: a member id that has its long client id in it. */
  #encode(records: readonly CoordinatorRecord[]): StateRecord[] | undefined {
    try {
      return records.map(encodeRecord)
    } catch (error) {
      if (!(error instanceof TextTooLongError)) throw error
      this.#parts.logger.warn(
        { log: this.#parts.name, reason: error.message },
        'Records with too much text are left out.',
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

  /** Remembers what is under way, and what to do if it fails. */
  #stage(loaded: LoadedState<S>, appended: Promise<unknown>): Promise<void> {
    const flushed = appended.then(
      () => {
        this.#hasLost = false
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
    return this.#loaded === loaded ? undefined : reject('NOT_COORDINATOR')
  }

  #lost(loaded: LoadedState<S>, error: unknown): void {
    if (this.#loaded !== loaded) return
    const { host, logger, name } = this.#parts
    const { message } = failureOfPart(host, error)
    logger.error({ log: name, reason: message }, `${name}: an append failed; its state is loaded again`)
    this.#end()
    // A disk that takes nothing would make one load after the other.
    if (this.#hasLost) this.#retryLater()
    else inBackground(host, this.load())
    this.#hasLost = true
  }

  #end(): void {
    const loaded = this.#loaded
    this.#loaded = undefined
    this.#flushed = undefined
    if (loaded === undefined) return
    loaded.deadlines.close()
    loaded.shard.unloaded()
  }

  async #tryToLoad(): Promise<void> {
    if (this.#closed || this.#loaded !== undefined) return
    this.#isFailed = false
    try {
      await this.#loadOnce()
      if (!this.#hasLost) this.#backoff.succeeded()
    } catch (error) {
      this.#loadFailed(failureOfPart(this.#parts.host, error))
    }
  }

  /** Damaged bytes stay as they are: only a new leader epoch, or the next start, reads them again. As in Kafka. */
  #loadFailed(error: Error): void {
    if (this.#closed) return
    const isDamaged = error instanceof CorruptStateError
    const { logger, name } = this.#parts
    if (error.message !== this.#toldReason) {
      const outlook = isDamaged ? '' : '; it is tried again'
      logger.error({ log: name }, `${name} cannot be loaded, its keys are not served: ${error.message}${outlook}`)
    }
    this.#toldReason = error.message
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
    if (this.#closed) return
    if (leftOut > 0) {
      const { logger, name } = this.#parts
      logger.warn({ log: name }, `${name}: ${leftOut} records of kinds that this version does not serve were left out`)
    }
    this.#loaded = { shard, deadlines }
    this.#toldReason = undefined
    shard.loaded()
  }

  /** False where the record is of a kind that is not served. */
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

/** What a caller gets: at once where nothing had to be flushed. */
export type Outcome<R> = R | Rejection | Promise<R | Rejection>

/** Bytes that a record takes beside key and value, at most: lengths, deltas, attributes. */
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
