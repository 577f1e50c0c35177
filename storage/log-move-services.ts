import type { Disks } from './disk.ts'
import type { Host } from './host/host.ts'
import type { LogCheckpoints } from './log-checkpoints.ts'
import type { LogCleaner } from './log-cleaner.ts'
import type { LogDirectories } from './log-directories.ts'
import type { LogRemoval } from './log-removal.ts'
import type { LogTasks } from './log-tasks.ts'
import type { StorageLogger } from './storage-logger.ts'
import type { NewLog } from './stored-log.ts'
import type { StoredLogs } from './stored-logs.ts'
import type { Throttle } from './throttle.ts'

/** Parts of the log manager that moves between data directories use. */
export interface LogMoveParts {
  readonly host: Host
  readonly logger: StorageLogger
  readonly logs: StoredLogs
  readonly directories: LogDirectories
  readonly checkpoints: LogCheckpoints
  readonly removal: LogRemoval
  readonly cleaner: LogCleaner
  readonly disks: Disks
  readonly tasks: LogTasks
  readonly newLog: NewLog
}

/** The same, with what all moves share. */
export interface LogMoveServices extends LogMoveParts {
  readonly throttle: Throttle
}
