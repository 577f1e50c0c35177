import type { Disk } from '../disk.ts'
import type { LogConfig } from '../partition-log.ts'
import { Tail } from '../tail.ts'
import { WriteQueue, type WriteQueueEvents } from '../write-queue.ts'
import { LogAppend } from './log-append.ts'
import { LogAvailability } from './log-availability.ts'
import { LogFlush } from './log-flush.ts'
import { LogReads } from './log-reads.ts'
import type { LogServices } from './log-services.ts'
import { LogState } from './log-state.ts'
import { type LogLocation, loadLog } from './recovery.ts'
import { SegmentList } from './segment-list.ts'

/** The parts of an open log. */
export interface LogParts {
  readonly state: LogState
  readonly segments: SegmentList
  readonly availability: LogAvailability
  readonly queue: WriteQueue
  readonly disk: Disk
  readonly tail: Tail
  readonly flush: LogFlush
  readonly appends: LogAppend
  readonly reads: LogReads
}

/** Loads the log of a directory and connects its parts. `events`: handlers for events of the write queue. */
export function openLogParts(
  location: LogLocation,
  config: LogConfig,
  services: LogServices,
  events: Omit<WriteQueueEvents, 'syncNames'>,
): LogParts {
  const { partition: name, directory } = location
  const { segments: found, changed, ...loaded } = loadLog(location, config, services)
  const state = new LogState({ name, directory, config, ...loaded })
  const tail = new Tail()
  const disk = services.disks.of(services.host.files.join(directory, '..'))
  const segments = new SegmentList(found, state, services, disk, {
    onRemoved: (segment) => {
      reads.forget(segment)
      flush.forget(segment)
    },
    onLeft: () => flush.syncRemovalsAside(),
  })
  const queue = new WriteQueue(services.host, services.openFiles, disk, {
    ...events,
    syncNames: () => flush.syncNames(),
  })
  const availability = new LogAvailability(location, services, (error) => queue.break(error))
  const flush = new LogFlush({ state, segments, availability, queue, disk }, services, changed)
  const appends = new LogAppend({ state, segments, tail, queue, flush }, services)
  const reads = new LogReads({ state, segments, tail, disk }, services)
  return { state, segments, availability, queue, disk, tail, flush, appends, reads }
}
