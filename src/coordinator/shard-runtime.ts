import { TextTooLongError } from '../../protocol/byte-writer.ts'
import { isRejection, type Rejection, reject } from '../../protocol/error-codes.ts'
import type { Host } from '../../storage/host/host.ts'
import type { MetadataChange } from '../metadata/metadata-store.ts'
import type { Logger } from '../observe/logger.ts'
import { type CoordinatorRecord, encodeRecord } from './coordinator-record.ts'
import { Deadlines } from './deadlines.ts'
import type { Decision, Shard } from './shard.ts'
import type { AppendOptions, CoordinatorLog, StateRecord, TransactionEnd } from './state-log.ts'

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

/** How long a log that could not be read is left alone before the next try. */
const RELOAD_DELAY_MS = 1000

/**
 * Runs the state machine of one partition of a coordinator's topic: decide, append, replay, answer when flushed. What
 * is staged is seen by the next decision at once, yet nothing is answered before all that it may have seen is flushed.
 * A failed append throws the memory away and loads the log again. Source: CoordinatorRuntime.CoordinatorContext.
 */
export class ShardRuntime<S extends Shard> {
  readonly #parts: ShardParts<S>
  /** Undefined while loading. */
  #loaded: LoadedState<S> | undefined
  #loading: Promise<void> | undefined
  #closed = false
  /** Resolves once everything staged so far is flushed or lost, and never rejects; undefined when nothing is under way. */
  #flushed: Promise<void> | undefined
  #order = 0

  constructor(parts: ShardParts<S>) {
    this.#parts = parts
  }

  /** Replays the log from its start. Resolves when the shard serves, or its partition was taken away. */
  load(): Promise<void> {
    this.#loading ??= this.#loadUntilRead().finally(() => {
      this.#loading = undefined
    })
    return this.#loading
  }

  /** The shard, for reads that need not wait for what is being flushed; undefined while loading. */
  get current(): S | undefined {
    return this.#loaded?.shard
  }

  /** Takes the shard down: who waits is answered NOT_COORDINATOR. */
  close(): void {
    this.#closed = true
    this.#end()
  }

  /** COORDINATOR_LOAD_IN_PROGRESS, NOT_COORDINATOR, or what the operation refuses or answers. */
  write<R>(operation: Operation<S, R>, transaction?: AppendOptions['transaction']): Outcome<R> {
    const loaded = this.#loaded
    if (loaded === undefined) return reject(this.#closed ? 'NOT_COORDINATOR' : 'COORDINATOR_LOAD_IN_PROGRESS')
    const decision = operation(loaded.shard)
    if (isRejection(decision)) return decision
    return this.#carryOut(loaded, decision, transaction)
  }

  /** An answer from memory, given when everything that is in it is flushed. */
  read<R>(look: (shard: S) => R | Rejection): Outcome<R> {
    const loaded = this.#loaded
    if (loaded === undefined) return reject(this.#closed ? 'NOT_COORDINATOR' : 'COORDINATOR_LOAD_IN_PROGRESS')
    const seen = look(loaded.shard)
    return this.#flushed === undefined ? seen : this.#afterFlush(loaded, this.#flushed, () => seen)
  }

  /** Writes the end of a transaction and applies what it had pending. */
  endTransaction(end: TransactionEnd): Outcome<undefined> {
    const loaded = this.#loaded
    if (loaded === undefined) return reject(this.#closed ? 'NOT_COORDINATOR' : 'COORDINATOR_LOAD_IN_PROGRESS')
    const flushed = this.#stage(loaded, this.#parts.log.endTransaction(end, { nowMs: this.#parts.host.clock.nowMs() }))
    this.#order++
    loaded.shard.replayMarker(end.producerId, end.result)
    return this.#afterFlush(loaded, flushed, () => undefined)
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
    this.#parts.logger.error({ log: this.#parts.name, err: error }, 'Append failed: the state is loaded again.')
    this.#end()
    this.#inTheBackground(this.load())
  }

  #end(): void {
    const loaded = this.#loaded
    this.#loaded = undefined
    this.#flushed = undefined
    if (loaded === undefined) return
    loaded.deadlines.close()
    loaded.shard.unloaded()
  }

  async #loadUntilRead(): Promise<void> {
    while (!this.#closed && this.#loaded === undefined) {
      try {
        await this.#loadOnce()
      } catch (error) {
        this.#parts.logger.error({ log: this.#parts.name, err: error }, 'State could not be loaded; trying again.')
        await new Promise<void>((resolve) => {
          this.#parts.host.timers.after(RELOAD_DELAY_MS, resolve)
        })
      }
    }
  }

  async #loadOnce(): Promise<void> {
    const deadlines = new Deadlines<TimedOperation<S>>(this.#parts.host, (operation) => this.#fire(operation))
    const shard = this.#parts.create(deadlines)
    await this.#parts.log.load((stored) => {
      this.#order = stored.offset + 1
      if (stored.marker !== undefined) {
        shard.replayMarker(stored.producerId, stored.marker)
        return
      }
      const record = shard.decode(stored)
      if (record !== undefined) shard.replay(record, { order: stored.offset, producerId: stored.producerId })
    })
    if (this.#closed) return
    this.#loaded = { shard, deadlines }
    shard.loaded()
  }

  #fire(operation: TimedOperation<S>): void {
    const loaded = this.#loaded
    if (loaded === undefined) return
    const decision = operation(loaded.shard)
    if (decision !== undefined) this.#inBackground(loaded, decision)
  }

  #inBackground(loaded: LoadedState<S>, decision: Decision<void>): void {
    const outcome = this.#carryOut(loaded, decision)
    if (outcome instanceof Promise) this.#inTheBackground(outcome)
  }

  /** Whatever throws there is a bug: it may have left the memory half changed. */
  #inTheBackground(work: Promise<unknown>): void {
    work.catch((error) => this.#parts.host.fatal(error as Error))
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
