import type { Clock } from './host/host.ts'
import type { StorageLogger } from './storage-logger.ts'

/** Shares of the process's limit of open files. */
export interface OpenLimits {
  /** Handles of segments and indexes that the cache keeps open. */
  readonly files: number
  /** Connections of clients. */
  readonly connections: number
}

/** More handles than this gain nothing. */
const MOST_CACHED_FILES = 1000
/** Reserve for short use and for Node.js itself: listeners, checkpoints, snapshots, compaction, logs. */
const RESERVE = 64

/** Divides a limit: at most a quarter is kept in reserve, and clients get at least half of the rest. */
export function openLimits(processLimit: number): OpenLimits {
  if (!Number.isFinite(processLimit)) return { files: MOST_CACHED_FILES, connections: processLimit }
  const rest = processLimit - Math.min(RESERVE, Math.floor(processLimit / 4))
  const files = Math.max(1, Math.min(MOST_CACHED_FILES, Math.floor(rest / 2)))
  return { files, connections: Math.max(1, rest - files) }
}

/** The system refuses to open another file: the process, or the whole machine, has too many open. */
export function isOpenLimitError(error: unknown): boolean {
  const { code } = error as { code?: unknown }
  return code === 'EMFILE' || code === 'ENFILE'
}

const TELL_AGAIN_AFTER_MS = 60_000

/** Logs that no further file can be opened: at most once a minute, however many logs and requests fail. */
export class OpenLimitWarning {
  readonly #clock: Clock
  readonly #logger: StorageLogger
  readonly #processLimit: number
  #toldMs = Number.NEGATIVE_INFINITY

  constructor(clock: Clock, logger: StorageLogger, processLimit: number) {
    this.#clock = clock
    this.#logger = logger
    this.#processLimit = processLimit
  }

  tell(error: Error): void {
    const nowMs = this.#clock.monotonicMs()
    if (nowMs - this.#toldMs < TELL_AGAIN_AFTER_MS) return
    this.#toldMs = nowMs
    const limit = Number.isFinite(this.#processLimit) ? ` (the limit is ${this.#processLimit})` : ''
    this.#logger.error(
      { reason: error.message },
      `the process cannot open another file${limit}: requests are answered KAFKA_STORAGE_ERROR; raise the limit with ulimit -n`,
    )
  }
}
