import type { LogConfig } from '../partition-log.ts'
import type { LeaderEpochs } from './leader-epochs.ts'
import type { ProducerState } from './producer-state.ts'
import type { SnapshotFiles } from './snapshot-files.ts'

/**
 * What the parts of an open log know in common. Everything in it changes in the turn in which it is decided, before any
 * byte is written: the files follow.
 *
 * logStartOffset <= flushedEndOffset <= writtenEndOffset <= logEndOffset, and recoveryPoint <= logEndOffset.
 */
export interface LogState {
  /** `topic-0`, for messages. */
  readonly name: string
  readonly directory: string
  config: LogConfig
  readonly epochs: LeaderEpochs
  producers: ProducerState
  readonly snapshots: SnapshotFiles
  logStartOffset: number
  /** The offset that the next append gets. */
  logEndOffset: number
  /** Everything below is in the files. */
  writtenEndOffset: number
  /** Everything below is as durable as the settings ask. */
  flushedEndOffset: number
  /** Everything below is on the disk, indexes included: after a crash, recovery starts here. */
  recoveryPoint: number
}
