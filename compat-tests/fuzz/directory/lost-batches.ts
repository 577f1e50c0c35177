import { batchesOf } from '../../../protocol/records/record-batch.ts'
import type { MemoryFiles } from '../../../storage/host/memory-files.ts'
import { COMPACTION_END_FILE } from '../../../storage/log/compaction-end.ts'
import { LOG_SUFFIX } from '../../../storage/segment/file-names.ts'
import { lastOffsetOf } from '../../../storage/segment/stored-batch.ts'

/** Whether offsets are missing in a partition's log where compaction leaves no hole. */
export function hasLostBatches(files: MemoryFiles, directory: string): boolean {
  const [, compactedUpTo] = files.readWhole(`${directory}/${COMPACTION_END_FILE}`)?.toString().split('\n') ?? []
  if (compactedUpTo === undefined) return false
  let nextOffset = Number(compactedUpTo)
  for (const name of files.list(directory).sort()) {
    if (!name.endsWith(LOG_SUFFIX)) continue
    for (const batch of batchesOf(files.readWhole(`${directory}/${name}`)!).batches) {
      if (batch.baseOffset > nextOffset) return true
      nextOffset = Math.max(nextOffset, lastOffsetOf(batch) + 1)
    }
  }
  return false
}
