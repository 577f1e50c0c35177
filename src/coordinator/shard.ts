import type { MetadataChange } from '../metadata/metadata-store.ts'
import type { CoordinatorRecord } from './coordinator-record.ts'
import type { LoadedRecord } from './state-log.ts'

/**
 * Decision of an operation: the records to append and the response once they are flushed. An operation never changes
 * state that its records describe; `replay` does so in the same turn, before the next decision.
 */
export interface Decision<R> {
  readonly records: readonly CoordinatorRecord[]
  readonly response: R
  /** Called once the records are flushed, before the response goes out; never if they were lost. */
  readonly appended?: () => void
  /** Called instead if the records are not written, being too large or refused: undoes changes already in memory. */
  readonly refused?: () => void
  /** False if the operation has already applied its records to memory (classic groups). Default: true. */
  readonly replay?: boolean
  /** False if the records may be split into several batches. Default: true. */
  readonly atomic?: boolean
}

/** Origin of a replayed record. */
export interface Provenance {
  /** Increases with each record: a log offset while loading, only a position in order afterwards. */
  readonly order: number
  /** -1 outside transactions. */
  readonly producerId: number
}

/** State machine of one partition of a coordinator's topic. */
export interface Shard {
  /** Applies a record to memory; decides nothing. */
  replay(record: CoordinatorRecord, from: Provenance): void
  replayMarker(producerId: number, result: 'commit' | 'abort'): void
  /** Decodes a loaded record; undefined if it is ignored. Throws MalformedError. */
  decode(record: LoadedRecord): CoordinatorRecord | undefined
  /** Called when the log is replayed to its end: timers may be set. */
  loaded(): void
  /** Called before the memory is discarded: waiting requests get NOT_COORDINATOR. */
  unloaded(): void
  /** Called when the cluster changed; returns the resulting decision. */
  metadataChanged(change: MetadataChange): Decision<void> | undefined
}

const nothing: readonly CoordinatorRecord[] = []

/** Decision without records. */
export function answer<R>(response: R): Decision<R> {
  return { records: nothing, response }
}

/** Decision that changes nothing. */
export const noChange: Decision<void> = answer(undefined)
