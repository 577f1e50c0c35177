import type { Files } from '../host/host.ts'
import { BatchScanner } from '../segment/batch-scanner.ts'
import {
  CLEANED_SUFFIX,
  DELETED_SUFFIX,
  LOG_SUFFIX,
  parseSegmentFileName,
  type SegmentFileName,
  SWAP_SUFFIX,
} from '../segment/file-names.ts'
import { lastOffsetOf } from '../segment/stored-batch.ts'
import type { StorageLogger } from '../storage-logger.ts'

/*
 * How compaction replaces segments: it writes `.cleaned` files; renames them to `.swap`, the log file last; removes the
 * old segments; removes the `.swap` suffix. So a `.swap` log file shows that all new files are whole; the old segments
 * may be partly removed.
 */

interface TemporaryFile extends SegmentFileName {
  readonly name: string
}

/**
 * Finishes or undoes a replacement interrupted by the broker's end. Returns the names of the files that are left.
 * Source: LogLoader.load.
 */
export function tidyTemporaryFiles(files: Files, directory: string, logger: StorageLogger): string[] {
  const names = files.list(directory)
  // With thousands of segments, each pass over the names costs time.
  if (!names.some(isTemporaryName)) return names
  tidy(files, directory, names, logger)
  return files.list(directory)
}

function isTemporaryName(name: string): boolean {
  return name.endsWith(DELETED_SUFFIX) || name.endsWith(CLEANED_SUFFIX) || name.endsWith(SWAP_SUFFIX)
}

function tidy(files: Files, directory: string, names: readonly string[], logger: StorageLogger): void {
  const found = names.flatMap((name): TemporaryFile[] => {
    const parsed = parseSegmentFileName(name)
    return parsed === undefined ? [] : [{ ...parsed, name }]
  })
  const remove = (file: TemporaryFile): void => files.remove(files.join(directory, file.name))
  const ofKind = (suffix: string): TemporaryFile[] => found.filter((file) => file.temporary === suffix)
  for (const file of ofKind(DELETED_SUFFIX)) remove(file)
  const cleaned = ofKind(CLEANED_SUFFIX)
  // The renames to `.swap` were not finished: the old segments are all still there.
  const firstCleaned = Math.min(...cleaned.map((file) => file.baseOffset))
  const swaps = ofKind(SWAP_SUFFIX)
  for (const file of [...cleaned, ...swaps.filter((swap) => swap.baseOffset >= firstCleaned)]) remove(file)
  const valid = swaps.filter((swap) => swap.baseOffset < firstCleaned)
  const isWhole = (swap: TemporaryFile): boolean =>
    valid.some(({ baseOffset, suffix }) => baseOffset === swap.baseOffset && suffix === LOG_SUFFIX)
  for (const swap of valid) if (!isWhole(swap)) settleLoneIndex(files, files.join(directory, swap.name))
  const whole = valid.filter(isWhole)
  if (whole.length > 0) finishSwap(files, directory, found, whole, logger)
}

/**
 * A `.swap` index without a `.swap` log file. Either the log file has its final name already, and the old segment is
 * gone; or a rename failed before the log file's turn, and the index in its place belongs to the log that stays.
 */
function settleLoneIndex(files: Files, path: string): void {
  const target = path.slice(0, -SWAP_SUFFIX.length)
  if (files.exists(target)) files.remove(path)
  else files.rename(path, target)
}

function finishSwap(
  files: Files,
  directory: string,
  found: readonly TemporaryFile[],
  swaps: readonly TemporaryFile[],
  logger: StorageLogger,
): void {
  const logs = swaps.filter((swap) => swap.suffix === LOG_SUFFIX)
  const first = Math.min(...logs.map((swap) => swap.baseOffset))
  const nextOffset = Math.max(...logs.map((swap) => endOf(files, files.join(directory, swap.name), swap.baseOffset)))
  for (const file of found) {
    if (file.temporary !== '' || file.baseOffset < first || file.baseOffset >= nextOffset) continue
    files.remove(files.join(directory, file.name))
  }
  for (const swap of swaps) {
    const from = files.join(directory, swap.name)
    files.rename(from, from.slice(0, -SWAP_SUFFIX.length))
  }
  files.syncDirectory(directory)
  logger.info({ directory, baseOffsets: logs.map((swap) => swap.baseOffset) }, 'finished an interrupted compaction')
}

/** Offset after the last record of a log file. */
function endOf(files: Files, path: string, baseOffset: number): number {
  const handle = files.open(path, 'r')
  try {
    const scanner = new BatchScanner(handle, 0, handle.size())
    let end = baseOffset
    for (let at = scanner.next(); at !== undefined; at = scanner.next()) end = lastOffsetOf(at.batch) + 1
    return end
  } finally {
    handle.close()
  }
}
