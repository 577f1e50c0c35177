/** String.hashCode of Java: a signed 32 bit number. */
export function javaHashCode(text: string): number {
  let hash = 0
  for (let index = 0; index < text.length; index++) hash = (Math.imul(hash, 31) + text.charCodeAt(index)) | 0
  return hash
}

/**
 * Partition of a coordinator's topic in which everything about that group (or transactional id) is kept.
 * Source: GroupCoordinatorService.partitionFor, Utils.abs, which makes 0 of the one number that has no absolute value.
 */
export function coordinatorPartition(key: string, partitionCount: number): number {
  const hash = javaHashCode(key)
  return (hash === -0x80000000 ? 0 : Math.abs(hash)) % partitionCount
}

/** Where a key stands in a java.util.HashMap of up to 12 entries: decides which of two equals Kafka meets first. */
export function javaBucket(key: string): number {
  const hash = javaHashCode(key)
  return (hash ^ (hash >>> 16)) & 15
}
