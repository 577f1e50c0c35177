import type { BufferPool } from '../../protocol/buffer-pool.ts'
import type { Disks } from '../disk.ts'
import type { Host } from '../host/host.ts'
import type { LogFiles } from '../log-files.ts'
import type { OpenFiles } from '../open-files.ts'
import type { IndexCache } from '../segment/index-cache.ts'
import type { SlicedWork } from '../sliced-work.ts'
import type { StorageLogger } from '../storage-logger.ts'
import type { TailMemory } from '../tail.ts'

/** What the logs of a broker share. */
export interface SharedServices {
  readonly host: Host
  readonly openFiles: OpenFiles
  readonly disks: Disks
  readonly indexCache: IndexCache
  readonly tailMemory: TailMemory
  /** Where file ranges are read to. */
  readonly pool: BufferPool
  readonly logger: StorageLogger
  /** Looks into large batches. */
  readonly slicedWork: SlicedWork
  /** Settings that are the same for all logs; they may change while the broker runs. */
  readonly settings: LogServiceSettings
  /** Makes durable where the logs of the log directory start. */
  readonly saveLogStarts: (logDirectory: string) => Promise<void>
  /** Writes up to where the logs of the log directory need no recovery. */
  readonly saveRecoveryPoints: (logDirectory: string) => void
  /** Does what frees room on the disk of the log directory, with its reserve if need be. */
  readonly withReserve: <T>(logDirectory: string, task: () => T) => T
  /** The disk failed under a log: it refuses appends until it is opened anew. */
  readonly onDiskFailure: (logDirectory: string, error: Error) => void
}

export interface LogServiceSettings {
  /** Producers that have been silent for so long are forgotten (producer.id.expiration.ms). */
  readonly producerIdExpirationMs: number
}

/** What the parts of one log get: the same, but for files of its own. */
export interface LogServices extends Omit<SharedServices, 'openFiles'> {
  readonly openFiles: LogFiles
}
