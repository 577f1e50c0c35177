import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildBatch } from '../../protocol/records/batch-builder.ts'
import { RecordBatch } from '../../protocol/records/record-batch.ts'
import { formatOffsets, parseOffsets, RECOVERY_POINT_FILE } from '../../storage/checkpoint-files.ts'
import { NodeFiles } from '../../storage/host/node-files.ts'
import { SnapshotFiles } from '../../storage/log/snapshot-files.ts'
import { OpenFiles } from '../../storage/open-files.ts'
import { parseSegmentFileName } from '../../storage/segment/file-names.ts'
import { IndexCache } from '../../storage/segment/index-cache.ts'
import { Segment } from '../../storage/segment/segment.ts'
import { silentStorageLogger } from '../../storage/storage-logger.ts'

/** Pairs per segment: a small batch of one record followed by a large one, 100 MB in all. */
export const PAIRS_A_SEGMENT = 10
const FILLER_BYTES = 10_000_000
const SMALL_BYTES = 100
const INDEX_INTERVAL_BYTES = 4096
/** Only the head of a large batch is written. The rest is zeros, which take no space on the disk. */
const HEAD_BYTES = 256

/** Offset of a small batch, counted from the start of the log. */
export function offsetOfPair(pair: number): number {
  return 2 * pair
}

/** Timestamp of a small batch. The large batches have an older one. */
export function timestampOfPair(firstMs: number, pair: number): number {
  return firstMs + pair
}

/** Replaces partition 0 of the topic of a stopped broker by that many segments. */
export function writeSparseLog(dataDir: string, topic: string, segmentCount: number, firstMs: number): void {
  const directory = join(dataDir, `${topic}-0`)
  for (const name of readdirSync(directory)) {
    if (parseSegmentFileName(name) !== undefined) rmSync(join(directory, name))
  }
  const files = new NodeFiles()
  const openFiles = new OpenFiles(files)
  const shared = { openFiles, indexCache: new IndexCache(), logger: silentStorageLogger }
  const filler = buildBatch([{ timestamp: firstMs, value: Buffer.alloc(FILLER_BYTES) }], { partitionLeaderEpoch: 0 })
  for (let index = 0; index < segmentCount; index++) {
    const firstPair = index * PAIRS_A_SEGMENT
    const options = { isNew: true, nowMs: firstMs, indexIntervalBytes: INDEX_INTERVAL_BYTES }
    const segment = new Segment(directory, offsetOfPair(firstPair), shared, options)
    segment.createFiles()
    for (let pair = firstPair; pair < firstPair + PAIRS_A_SEGMENT; pair++) {
      const timestamp = timestampOfPair(firstMs, pair)
      const small = buildBatch([{ timestamp, value: Buffer.alloc(SMALL_BYTES) }], { partitionLeaderEpoch: 0 })
      place(segment, openFiles, small, offsetOfPair(pair))
      place(segment, openFiles, filler, offsetOfPair(pair) + 1)
    }
    openFiles.use(segment.logPath).truncate(segment.sizeBytes)
    segment.finish()
  }
  const endOffset = offsetOfPair(segmentCount * PAIRS_A_SEGMENT)
  new SnapshotFiles(files, directory, []).write(endOffset, [])
  openFiles.closeAll()
  noteRecoveryPoint(join(dataDir, RECOVERY_POINT_FILE), topic, endOffset)
}

function place(segment: Segment, openFiles: OpenFiles, bytes: Buffer, offset: number): void {
  const batch = new RecordBatch(bytes)
  batch.baseOffset = offset
  openFiles.use(segment.logPath).writeSync([bytes.subarray(0, HEAD_BYTES)], segment.sizeBytes)
  segment.stage(batch)
}

function noteRecoveryPoint(path: string, topic: string, offset: number): void {
  const others = parseOffsets(readFileSync(path, 'utf8'))!.filter((entry) => entry.topic !== topic)
  writeFileSync(path, formatOffsets([...others, { topic, partition: 0, offset }]))
}
