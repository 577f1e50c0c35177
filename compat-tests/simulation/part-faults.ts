import { type PathEffect, type PathFault, within } from '../../storage/host/faulty-files.ts'
import type { MemoryFiles } from '../../storage/host/memory-files.ts'
import type { SeededRandom } from '../../storage/host/seeded-random.ts'
import type { PartitionHistory } from './broker-model.ts'

/**
 * A fault of one part of the disk: one log, one kind of file in it, or one of several data directories. A fault of one
 * log that lasts may become that of its directory, and in the first or only directory it may end the broker.
 */
export interface PartFault {
  readonly what: string
  readonly fault: PathFault
  /** Data directory that fails as a whole; undefined: one log fails. */
  readonly directory: string | undefined
  /** Whether the partition is in that part; clients of other partitions must not notice the fault. */
  readonly concerns: (partition: PartitionHistory) => boolean
  /** Whether the broker must start despite the fault. */
  readonly maySurviveStart: boolean
}

/** Effects after which a disk is not trusted: the whole data directory goes offline once an open log meets them. */
const isLasting = (effect: PathEffect): boolean => effect !== 'full' && effect !== 'slow'

const effects: readonly PathEffect[] = ['dead', 'unreadable', 'unwritable', 'read-only', 'full']
const suffixes = ['.log', '.index', '.timeindex', '.snapshot', 'leader-epoch-checkpoint']

/** Data directory of the partition's log; undefined if it has none yet. */
export function directoryOf(
  files: MemoryFiles,
  directories: readonly string[],
  { name }: PartitionHistory,
): string | undefined {
  return directories.find((each) => files.exists(`${each}/${name}`))
}

/** True if the directory has the partition's log, or may get it. At the end of a move two directories have it. */
function mayHold(
  directory: string,
  partition: PartitionHistory,
  parts: { files: MemoryFiles; directories: readonly string[] },
): boolean {
  const { files, directories } = parts
  return files.exists(`${directory}/${partition.name}`) || directoryOf(files, directories, partition) === undefined
}

/** Picks a fault of the partition's log or of the last data directory. */
export function drawPartFault(
  random: SeededRandom,
  parts: { files: MemoryFiles; directories: readonly string[]; partition: PartitionHistory },
): PartFault {
  const { files, directories, partition } = parts
  const effect = random.pick(effects)
  const last = directories.at(-1)!
  if (directories.length > 1 && random.oneIn(2)) {
    return {
      what: `${last} is ${effect}`,
      directory: last,
      fault: { concerns: within(last), effect },
      concerns: (each) => mayHold(last, each, parts),
      maySurviveStart: false,
    }
  }
  const directory = directoryOf(files, directories, partition) ?? directories[0]!
  const log = `${directory}/${partition.name}`
  const suffix = random.oneIn(2) ? '' : random.pick(suffixes)
  return {
    what: `${log}/*${suffix} is ${effect}`,
    directory: undefined,
    fault: { concerns: (path) => within(log)(path) && path.endsWith(suffix), effect },
    // By name: a recreated topic has the same path.
    concerns: (each) => each.name === partition.name || (isLasting(effect) && mayHold(directory, each, parts)),
    maySurviveStart: true,
  }
}
