import type { BufferPool } from '../../protocol/buffer-pool.ts'
import type { Disks } from '../disk.ts'
import type { Host } from '../host/host.ts'
import type { LogFiles } from '../log-files.ts'
import type { OpenFiles } from '../open-files.ts'
import type { IndexCache } from '../segment/index-cache.ts'
import type { SlicedWork } from '../sliced-work.ts'
import type { StorageLogger } from '../storage-logger.ts'
import type { TailMemory } from '../tail.ts'

/** Services that the logs of a broker share. */
export interface SharedServices {
  readonly host: Host
  readonly openFiles: OpenFiles
  readonly disks: Disks
  readonly indexCache: IndexCache
  readonly tailMemory: TailMemory
  /** Pool of buffers for file reads. */
  readonly pool: BufferPool
  readonly logger: StorageLogger
  /** Validates large batches in slices. */
  readonly slicedWork: SlicedWork
  /** Settings common to all logs. They may change while the broker runs. */
  readonly settings: LogServiceSettings
  /** Saves the log start offsets of the log directory durably. */
  readonly saveLogStarts: (logDirectory: string) => Promise<void>
  /** Saves the recovery points of the log directory durably. */
  readonly saveRecoveryPoints: (logDirectory: string) => Promise<void>
  /** The same at once, on the loop. */
  readonly saveRecoveryPointsAtOnce: (logDirectory: string) => void
  /** Runs a task that frees disk space in the log directory, using its reserve if needed. */
  readonly withReserve: <T>(logDirectory: string, task: () => T) => T
  /** The same for a task off the loop. */
  readonly withReserveAside: <T>(logDirectory: string, task: () => Promise<T>) => Promise<T>
  /**
   * Tells that something failed in the log directory. Returns DirectoryFailedError if the directory goes offline because
   * of it, else the error: it concerns this log alone. See LogDirectories.
   */
  readonly noteFailure: (logDirectory: string, error: Error) => Error
  /** The same for a log that cannot be opened, which is the directory's failure if the directory cannot be listed. */
  readonly probe: (logDirectory: string, error: Error) => Error
}

export interface LogServiceSettings {
  /** Producers silent for this long are forgotten (producer.id.expiration.ms). */
  readonly producerIdExpirationMs: number
}

/** Services for the parts of one log: the same, but with its own files, and for its own directory. */
export interface LogServices extends Omit<SharedServices, 'openFiles' | 'noteFailure'> {
  readonly openFiles: LogFiles
  readonly noteFailure: (error: Error) => Error
}
