import { encodeControlValue } from '../../protocol/internal-records/control-framing.ts'
import { SnapshotFooterRecord, SnapshotHeaderRecord } from '../../protocol/internal-records/control-records.ts'
import { buildBatch } from '../../protocol/records/batch-builder.ts'
import { buildControlBatch, type ControlRecord } from '../../protocol/records/control-records.ts'
import type { QuorumRecord } from './quorum-records.ts'

/** Records per batch of a snapshot: encoding them takes about a millisecond. */
const RECORDS_PER_BATCH = 512

/*
 * A snapshot is a log file: 00000000000000001234-0000000007.checkpoint has everything before offset 1234, whose last
 * record had epoch 7. Its own offsets count from 0: header (control), [quorum version and voters], records, footer.
 */
export interface SnapshotId {
  /** Offset after the last record in the snapshot. */
  readonly endOffset: number
  readonly epoch: number
}

/** Suffix of a snapshot that is not complete. Source: Snapshots.PARTIAL_SUFFIX. */
export const PARTIAL_SUFFIX = '.part'

export function snapshotFileName({ endOffset, epoch }: SnapshotId): string {
  return `${String(endOffset).padStart(20, '0')}-${String(epoch).padStart(10, '0')}.checkpoint`
}

/** Undefined for other files, including incomplete snapshots (.part) and deleted ones. */
export function parseSnapshotFileName(name: string): SnapshotId | undefined {
  const match = /^(\d{20})-(\d{10})\.checkpoint$/.exec(name)
  return match === null ? undefined : { endOffset: Number(match[1]), epoch: Number(match[2]) }
}

/** Encodes a snapshot of these record values, batch by batch. Source: RecordsSnapshotWriter. */
export function* snapshotBatches(
  values: Iterable<Buffer>,
  at: { id: SnapshotId; nowMs: number; lastTimestampMs: number; quorum: readonly QuorumRecord[] },
): Generator<Buffer, void> {
  let offset = 0
  const options = () => ({ baseOffset: offset, partitionLeaderEpoch: at.id.epoch, timestampMs: at.nowMs })
  const control = (type: ControlRecord['type'], value: Buffer) => {
    const batch = buildControlBatch([{ type, value }], options())
    offset++
    return batch
  }
  const header = { version: 0, lastContainedLogTimestamp: at.lastTimestampMs }
  yield control('SNAPSHOT_HEADER', encodeControlValue(SnapshotHeaderRecord, header))
  for (const { type, value } of at.quorum) yield control(type, value)
  for (const records of inBatches(values)) {
    yield buildBatch(records, options())
    offset += records.length
  }
  yield control('SNAPSHOT_FOOTER', encodeControlValue(SnapshotFooterRecord, { version: 0 }))
}

function* inBatches(values: Iterable<Buffer>): Generator<readonly { readonly value: Buffer }[], void> {
  let records: { readonly value: Buffer }[] = []
  for (const value of values) {
    records.push({ value })
    if (records.length < RECORDS_PER_BATCH) continue
    yield records
    records = []
  }
  if (records.length > 0) yield records
}
