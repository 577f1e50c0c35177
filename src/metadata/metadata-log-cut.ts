import { ByteReader } from '../../protocol/byte-reader.ts'
import { type MetadataRecord, readMetadataRecord } from '../../protocol/internal-records/metadata-framing.ts'
import { ConfigRecord } from '../../protocol/internal-records/setting-records.ts'
import { TopicRecord } from '../../protocol/internal-records/topic-records.ts'
import { batchSizeAt, RecordBatch } from '../../protocol/records/record-batch.ts'
import { RecordFault, readRecords } from '../../protocol/records/record-reader.ts'
import type { Host } from '../../storage/host/host.ts'
import type { Logger } from '../observe/logger.ts'
import { namesOf } from './meta-properties-rules.ts'
import { configResourceType } from './metadata-image.ts'
import { CUT_OFF } from './metadata-log-reader.ts'

/** The unreadable end of a segment. */
export interface DamagedEnd {
  readonly path: string
  /** Start of the unreadable bytes, and the offset expected there. */
  readonly endPosition: number
  readonly endOffset: number | undefined
  readonly fault: string
}

/**
 * Truncates the unreadable end of a segment, as Kafka does. An incomplete write was never acknowledged. Anything else
 * may have been: it is kept in a file beside the segment, and a log line names the records still readable.
 */
export function cutDamagedEnd(
  host: Host,
  { path, endPosition, endOffset = 0, fault }: DamagedEnd,
  logger: Logger,
): void {
  const handle = host.files.open(path, 'r+')
  const end = Buffer.alloc(handle.size() - endPosition)
  handle.readSync(end, endPosition)
  const lost = fault === CUT_OFF ? [] : wholeBatchesIn(end)
  const kept = `${path}.cut-at-${endPosition}`
  const isTorn = fault === CUT_OFF && lost.length === 0
  if (!isTorn) host.files.replaceWhole(kept, end)
  handle.truncate(endPosition)
  handle.syncNow()
  handle.close()
  const begin = `truncated ${end.length} bytes from the end of ${path} at position ${endPosition} (${fault})`
  const meaning = isTorn
    ? 'a metadata change that was not acknowledged yet, unless the file was damaged'
    : `metadata changes from offset ${endOffset} on are lost${aboutTopics(lost)}; the bytes are kept in ${kept}`
  logger.warn({ path, position: endPosition, cutBytes: end.length, fault }, `${begin}: ${meaning}`)
}

function aboutTopics(batches: readonly RecordBatch[]): string {
  if (batches.length === 0) return ''
  const topics = new Set(batches.flatMap((batch) => topicsIn(batch)))
  const about = topics.size === 0 ? '' : `, some about the topics ${namesOf([...topics])}`
  return ` (${batches.length} complete batches are in them${about})`
}

/** Batches with a valid checksum, at any position in the bytes. */
function wholeBatchesIn(bytes: Buffer): RecordBatch[] {
  const batches: RecordBatch[] = []
  for (let position = 0; position < bytes.length; ) {
    const size = batchSizeAt(bytes, position)
    if (size === undefined) return batches
    const batch =
      typeof size === 'number' && position + size <= bytes.length
        ? new RecordBatch(bytes.subarray(position, position + size))
        : undefined
    if (batch === undefined || batch.isLegacy || !batch.hasValidCrc()) position++
    else {
      batches.push(batch)
      position += batch.sizeBytes
    }
  }
  return batches
}

function topicsIn(batch: RecordBatch): string[] {
  const records = readRecords(batch)
  if (batch.isControl || records instanceof RecordFault) return []
  return [...records].flatMap(({ value }) => {
    const record = value === null ? undefined : parse(value)
    const topic = record?.as(TopicRecord)
    const config = record?.as(ConfigRecord)
    if (topic !== undefined) return [topic.name]
    return config?.resourceType === configResourceType.topic ? [config.resourceName] : []
  })
}

function parse(value: Uint8Array): MetadataRecord | undefined {
  try {
    return readMetadataRecord(new ByteReader(Buffer.from(value)))
  } catch {
    // A record of an unknown type concerns no known topic.
    return undefined
  }
}
