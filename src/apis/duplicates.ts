/** Keys that occur more than once, in the order of their second occurrence. */
export function duplicatesOf<K>(keys: Iterable<K>): ReadonlySet<K> {
  const seen = new Set<K>()
  const duplicates = new Set<K>()
  for (const key of keys) {
    if (seen.has(key)) duplicates.add(key)
    seen.add(key)
  }
  return duplicates
}
