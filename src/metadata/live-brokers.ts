import type { ClusterImage } from './cluster-image.ts'
import { LOST_DIRECTORY, MIGRATING_DIRECTORY, UNASSIGNED_DIRECTORY } from './directory-assignments.ts'
import type { PartitionImage } from './metadata-image.ts'

/** True if a broker is registered, unfenced and not shutting down. Source: ClusterControlManager.isActive. */
export function isActive({ registrations }: Pick<ClusterImage, 'registrations'>, brokerId: number): boolean {
  const broker = registrations.get(brokerId)
  return broker !== undefined && !broker.fenced && !broker.inControlledShutdown
}

/** True if the directory of a broker's replica is not offline. Source: DirectoryId.isOnline. */
export function hasOnlineDirectory(
  { registrations }: Pick<ClusterImage, 'registrations'>,
  { replicas, directories }: PartitionImage,
  brokerId: number,
): boolean {
  const broker = registrations.get(brokerId)
  const index = replicas.indexOf(brokerId)
  if (broker === undefined || index === -1) return false
  const directory = directories[index] ?? MIGRATING_DIRECTORY
  if (directory === UNASSIGNED_DIRECTORY || directory === MIGRATING_DIRECTORY) return true
  if (directory === LOST_DIRECTORY) return false
  return broker.directories.length === 0 || broker.directories.includes(directory)
}

/**
 * Directory id for a new replica: that of a broker with one directory. With several the broker chooses later. Source:
 * ClusterControlManager.defaultDir.
 */
export function defaultDirectory({ registrations }: Pick<ClusterImage, 'registrations'>, brokerId: number): string {
  const [first, ...others] = registrations.get(brokerId)?.directories ?? [UNASSIGNED_DIRECTORY]
  if (first === undefined) return MIGRATING_DIRECTORY
  return others.length === 0 ? first : UNASSIGNED_DIRECTORY
}
