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

/** Who is served, and by whom, at one time: made anew whenever the memory is thrown away. */
interface Life<S> {
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
  #life: Life<S> | undefined
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
    return this.#life?.shard
  }

  /** Takes the shard down: who waits is answered NOT_COORDINATOR. */
  close(): void {
    this.#closed = true
    this.#end()
  }

  /** COORDINATOR_LOAD_IN_PROGRESS, NOT_COORDINATOR, or what the operation refuses or answers. */
  write<R>(operation: Operation<S, R>, transaction?: AppendOptions['transaction']): Outcome<R> {
    const life = this.#life
    if (life === undefined) return reject(this.#closed ? 'NOT_COORDINATOR' : 'COORDINATOR_LOAD_IN_PROGRESS')
    const decision = operation(life.shard)
    if (isRejection(decision)) return decision
    return this.#carryOut(life, decision, transaction)
  }

  /** An answer from memory, given when everything that is in it is flushed. */
  read<R>(look: (shard: S) => R | Rejection): Outcome<R> {
    const life = this.#life
    if (life === undefined) return reject(this.#closed ? 'NOT_COORDINATOR' : 'COORDINATOR_LOAD_IN_PROGRESS')
    const seen = look(life.shard)
    return this.#flushed === undefined ? seen : this.#afterFlush(life, this.#flushed, () => seen)
  }

  /** Writes the end of a transaction and applies what it had pending. */
  endTransaction(end: TransactionEnd): Outcome<undefined> {
    const life = this.#life
    if (life === undefined) return reject(this.#closed ? 'NOT_COORDINATOR' : 'COORDINATOR_LOAD_IN_PROGRESS')
    const flushed = this.#stage(life, this.#parts.log.endTransaction(end, { nowMs: this.#parts.host.clock.nowMs() }))
    this.#order++
    life.shard.replayMarker(end.producerId, end.result)
    return this.#afterFlush(life, flushed, () => undefined)
  }

  metadataChanged(change: MetadataChange): void {
    const life = this.#life
    if (life === undefined) return
    const decision = life.shard.metadataChanged(change)
    if (decision !== undefined) this.#inBackground(life, decision)
  }

  #carryOut<R>(life: Life<S>, decision: Decision<R>, transaction?: AppendOptions['transaction']): Outcome<R> {
    const { records, response, appended } = decision
    const finish = () => {
      appended?.()
      return response
    }
    if (records.length === 0) {
      return this.#flushed === undefined ? finish() : this.#afterFlush(life, this.#flushed, finish)
    }
    const encoded = this.#encode(records)
    if (encoded === undefined || (decision.atomic !== false && this.#isTooLarge(encoded))) {
      decision.refused?.()
      return reject('UNKNOWN_SERVER_ERROR')
    }
    const flushed = this.#stage(life, this.#append(encoded, transaction))
    if (decision.replay !== false) {
      const producerId = transaction?.producerId ?? -1
      for (const record of records) life.shard.replay(record, { order: this.#order++, producerId })
    }
    return this.#afterFlush(life, flushed, finish)
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
  #stage(life: Life<S>, appended: Promise<unknown>): Promise<void> {
    const flushed = appended.then(
      () => {
        if (this.#flushed === flushed) this.#flushed = undefined
      },
      (error) => this.#lost(life, error),
    )
    this.#flushed = flushed
    return flushed
  }

  async #afterFlush<R>(life: Life<S>, flushed: Promise<void>, finish: () => R): Promise<R | Rejection> {
    await flushed
    return this.#stillServing(life) ?? finish()
  }

  #stillServing(life: Life<S>): Rejection | undefined {
    return this.#life === life ? undefined : reject('NOT_COORDINATOR')
  }

  #lost(life: Life<S>, error: unknown): void {
    if (this.#life !== life) return
    this.#parts.logger.error({ log: this.#parts.name, err: error }, 'Append failed: the state is loaded again.')
    this.#end()
    this.#inTheBackground(this.load())
  }

  #end(): void {
    const life = this.#life
    this.#life = undefined
    this.#flushed = undefined
    if (life === undefined) return
    life.deadlines.close()
    life.shard.unloaded()
  }

  async #loadUntilRead(): Promise<void> {
    while (!this.#closed && this.#life === undefined) {
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
    await this.#parts.log.load((loaded) => {
      this.#order = loaded.offset + 1
      if (loaded.marker !== undefined) {
        shard.replayMarker(loaded.producerId, loaded.marker)
        return
      }
      const record = shard.decode(loaded)
      if (record !== undefined) shard.replay(record, { order: loaded.offset, producerId: loaded.producerId })
    })
    if (this.#closed) return
    this.#life = { shard, deadlines }
    shard.loaded()
  }

  #fire(operation: TimedOperation<S>): void {
    const life = this.#life
    if (life === undefined) return
    const decision = operation(life.shard)
    if (decision !== undefined) this.#inBackground(life, decision)
  }

  #inBackground(life: Life<S>, decision: Decision<void>): void {
    const outcome = this.#carryOut(life, decision)
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
