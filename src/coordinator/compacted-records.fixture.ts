import type { LoadedRecord } from './state-log.ts'

/**
 * Records that the cleaner leaves if at most the first `cut` records lie in closed segments: the last record of each
 * key (a tombstone only if `tombstones` is 'kept', as for young ones), none of aborted transactions, all of open
 * transactions. Source: Cleaner, CleanedTransactionMetadata.
 */
export function compacted(
  records: readonly LoadedRecord[],
  cut: number,
  tombstones: 'kept' | 'dropped',
): readonly LoadedRecord[] {
  const { end, aborted } = transactionsIn(records, cut)
  const last = new Map<string, number>()
  for (let i = 0; i < end; i++) {
    const { marker, key } = records[i]!
    if (marker === undefined && !aborted.has(i)) last.set(key.toString('latin1'), i)
  }
  return records.filter(({ marker, key, value }, i) => {
    if (i >= end || marker !== undefined) return true
    return last.get(key.toString('latin1')) === i && (value !== null || tombstones === 'kept')
  })
}

/** End of the range in which all transactions are complete, and the records in it that were aborted. */
function transactionsIn(records: readonly LoadedRecord[], cut: number): { end: number; aborted: ReadonlySet<number> } {
  const open = new Map<number, number[]>()
  const aborted = new Set<number>()
  for (let i = 0; i < cut; i++) {
    const { producerId, marker } = records[i]!
    if (producerId === -1) continue
    const own = open.get(producerId) ?? []
    if (marker === 'abort') for (const each of own) aborted.add(each)
    if (marker !== undefined) open.delete(producerId)
    else open.set(producerId, [...own, i])
  }
  const end = Math.min(cut, ...[...open.values()].flat())
  return { end, aborted }
}
