import { ByteReader } from '../../protocol/byte-reader.ts'
import { type MetadataRecord, readMetadataRecord } from '../../protocol/internal-records/metadata-framing.ts'
import { controlRecordType } from '../../protocol/records/control-records.ts'
import { batchSizeAt, RecordBatch } from '../../protocol/records/record-batch.ts'
import { RecordFault, readRecords } from '../../protocol/records/record-reader.ts'
import type { FileHandle, Host } from '../../storage/host/host.ts'
import type { QuorumRecord } from './quorum-records.ts'

/** Bytes per read; more if a single batch is larger. */
const PIECE_BYTES = 1 << 20
const OFFSET_BYTES = 8

/** Receives the records of segments and snapshots in order. */
export interface MetadataReplay {
  /** A record and its value. The bytes are valid during the call only. */
  record(record: MetadataRecord, bytes: Buffer): void
  /** A control record that snapshots repeat. */
  quorum(record: QuorumRecord): void
}

export interface FileScan {
  /** Position after the last valid batch. */
  readonly endPosition: number
  /** Why the rest of the file cannot be read; undefined if everything was read. */
  readonly fault: string | undefined
  /** Offset after the last batch; undefined for an empty file. */
  readonly endOffset: number | undefined
  readonly lastEpoch: number | undefined
  readonly lastTimestampMs: number
  /** True if the file has a snapshot footer. A snapshot without one is incomplete. */
  readonly hasFooter: boolean
}

/** The last batch is incomplete: a crash interrupted the write. */
export const CUT_OFF = 'the last batch is incomplete'

/** A metadata log file is damaged in a way that a crash cannot cause. */
export class MetadataDamage extends Error {
  override readonly name = 'MetadataDamage'
  constructor(path: string, fault: string, options: ErrorOptions = {}) {
    super(`${path}: ${fault}`, options)
  }
}

/** Replays a file from `fromOffset` on. Throws MetadataDamage for an unreadable record. */
export function readMetadataFile(host: Host, path: string, fromOffset: number, replay: MetadataReplay): FileScan {
  const handle = host.files.open(path, 'r')
  try {
    return scan(handle, fromOffset, replay)
  } finally {
    handle.close()
  }
}

function scan(handle: FileHandle, fromOffset: number, replay: MetadataReplay): FileScan {
  const size = handle.size()
  let position = 0
  let endOffset: number | undefined
  let lastEpoch: number | undefined
  let lastTimestampMs = -1
  let hasFooter = false
  const ended = (fault?: string) => ({ endPosition: position, fault, endOffset, lastEpoch, lastTimestampMs, hasFooter })
  let piece = readPiece(handle, 0, PIECE_BYTES)
  let pieceStart = 0
  while (position < size) {
    let batchSize = batchSizeAt(piece, position - pieceStart)
    if (typeof batchSize === 'string') return ended(batchSize)
    if (batchSize === undefined || position + batchSize > pieceStart + piece.length) {
      piece = readPiece(handle, position, Math.max(PIECE_BYTES, batchSize ?? 0))
      pieceStart = position
      batchSize = batchSizeAt(piece, 0)
      if (typeof batchSize === 'string') return ended(batchSize)
      if (batchSize === undefined || batchSize > piece.length) return ended(CUT_OFF)
    }
    const start = position - pieceStart
    const batch = new RecordBatch(piece.subarray(start, start + batchSize))
    if (batch.isLegacy || !batch.hasValidCrc()) return ended('a batch fails its checksum')
    const expected = endOffset ?? firstOffsetOf(handle.path) ?? batch.baseOffset
    if (batch.baseOffset !== expected) {
      const fault = `offset ${batch.baseOffset} at position ${position}, where ${expected} is to be`
      const behind = nextBaseOffset(handle, position + batchSize)
      // A power loss may have flipped bits of the offset, which the checksum does not cover.
      if (behind === undefined || behind - expected === batch.nextOffset - batch.baseOffset) return ended(fault)
      // A crash cannot cause a gap, and no change may be skipped.
      throw new MetadataDamage(handle.path, fault)
    }
    if (batch.nextOffset > fromOffset) hasFooter = replayBatch(handle.path, batch, fromOffset, replay)
    position += batchSize
    endOffset = batch.nextOffset
    lastEpoch = batch.partitionLeaderEpoch
    lastTimestampMs = Math.max(lastTimestampMs, batch.maxTimestamp)
  }
  return ended()
}

/** Base offset of the batch at the position; undefined if there is none. */
function nextBaseOffset(handle: FileHandle, position: number): number | undefined {
  const bytes = readPiece(handle, position, OFFSET_BYTES)
  return bytes.length < OFFSET_BYTES ? undefined : Number(bytes.readBigInt64BE())
}

/** Offset of the first record, from the name of a log file; undefined for a snapshot. */
function firstOffsetOf(path: string): number | undefined {
  const base = /(\d{20})\.log$/.exec(path)?.[1]
  return base === undefined ? undefined : Number(base)
}

function readPiece(handle: FileHandle, position: number, size: number): Buffer {
  const piece = Buffer.allocUnsafe(Math.min(size, Math.max(0, handle.size() - position)))
  return piece.subarray(0, handle.readSync(piece, position))
}

/** True if the batch's last record is a snapshot footer. */
function replayBatch(path: string, batch: RecordBatch, fromOffset: number, replay: MetadataReplay): boolean {
  const records = readRecords(batch)
  if (records instanceof RecordFault)
    throw new MetadataDamage(path, `batch at offset ${batch.baseOffset}: ${records.message}`)
  let footer = false
  for (const { offset, key, value } of records) {
    if (offset < fromOffset) continue
    if (batch.isControl) {
      const type = controlRecordType(key)
      footer = type === 'SNAPSHOT_FOOTER'
      if ((type === 'KRAFT_VERSION' || type === 'KRAFT_VOTERS') && value !== null)
        replay.quorum({ type, value: Buffer.from(value) })
    } else if (value !== null) {
      const bytes = Buffer.from(value.buffer, value.byteOffset, value.length)
      const parsed = parse(path, offset, bytes)
      fitRecord(path, `record at offset ${offset}`, () => replay.record(parsed, bytes))
    }
  }
  return footer
}

/**
 * Replays a record. Throws MetadataDamage if it does not match the image: it comes from another log, or earlier records
 * are missing.
 */
export function fitRecord(path: string, what: string, replay: () => void): void {
  try {
    replay()
  } catch (error) {
    throw new MetadataDamage(path, `${what} does not fit those before it: ${(error as Error).message}`, {
      cause: error,
    })
  }
}

function parse(path: string, offset: number, bytes: Buffer): MetadataRecord {
  try {
    return readMetadataRecord(new ByteReader(bytes))
  } catch (error) {
    throw new MetadataDamage(path, `record at offset ${offset} cannot be read`, { cause: error })
  }
}
