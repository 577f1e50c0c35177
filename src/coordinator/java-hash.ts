/** Java's String.hashCode: a signed 32-bit number. */
export function javaHashCode(text: string): number {
  let hash = 0
  for (let index = 0; index < text.length; index++) hash = (Math.imul(hash, 31) + text.charCodeAt(index)) | 0
  return hash
}

/**
 * Partition of a coordinator's topic that holds all state of a group (or transactional id). Source:
 * GroupCoordinatorService.partitionFor, Utils.abs, which returns 0 for the one number without an absolute value.
 */
export function coordinatorPartition(key: string, partitionCount: number): number {
  const hash = javaHashCode(key)
  return (hash === -0x80000000 ? 0 : Math.abs(hash)) % partitionCount
}

/** Bucket of a key in a java.util.HashMap with up to 12 entries: decides which of two equals Kafka meets first. */
export function javaBucket(key: string): number {
  const hash = javaHashCode(key)
  return (hash ^ (hash >>> 16)) & 15
}
