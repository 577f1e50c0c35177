import type { MetadataChange } from '../metadata/metadata-store.ts'
import type { CoordinatorRecord } from './coordinator-record.ts'
import type { LoadedRecord } from './state-log.ts'

/**
 * What an operation decided: records to be appended, and what is answered once they are. An operation changes nothing
 * that a record speaks of; `replay` does, in the same turn, before anybody decides again.
 */
export interface Decision<R> {
  readonly records: readonly CoordinatorRecord[]
  readonly response: R
  /** Called once the records are flushed, before the response goes out; never if they were lost. */
  readonly appended?: () => void
  /** Called instead where the records cannot be written, being too large: takes back what is in memory already. */
  readonly refused?: () => void
  /** False where the operation has brought its memory up to the records already (classic groups). Default: true. */
  readonly replay?: boolean
  /** False where the records may be spread over several batches. Default: true. */
  readonly atomic?: boolean
}

/** Where a replayed record came from. */
export interface Provenance {
  /** Rises from record to record; an offset of the log while it is loaded, merely in its order afterwards. */
  readonly order: number
  /** -1 outside of transactions. */
  readonly producerId: number
}

/** The state machine behind one partition of a coordinator's topic. */
export interface Shard {
  /** Changes memory as the record says; decides nothing. */
  replay(record: CoordinatorRecord, from: Provenance): void
  replayMarker(producerId: number, result: 'commit' | 'abort'): void
  /** A record as it was loaded, decoded; undefined where it is of no interest. Throws MalformedError. */
  decode(record: LoadedRecord): CoordinatorRecord | undefined
  /** The log has been replayed to its end: timers may be set. */
  loaded(): void
  /** The memory is about to be thrown away: whoever waits is answered NOT_COORDINATOR. */
  unloaded(): void
  /** The cluster changed; returns what follows from it. */
  metadataChanged(change: MetadataChange): Decision<void> | undefined
}

const nothing: readonly CoordinatorRecord[] = []

/** A decision without records. */
export function answer<R>(response: R): Decision<R> {
  return { records: nothing, response }
}

/** A decision to leave everything as it is. */
export const noChange: Decision<void> = answer(undefined)
