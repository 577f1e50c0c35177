import type { Host } from '../../storage/host/host.ts'
import type { Logger } from '../observe/logger.ts'
import { cutDamagedEnd } from './metadata-log-cut.ts'
import { fitRecord, MetadataDamage, type MetadataReplay, readMetadataFile } from './metadata-log-reader.ts'
import { PARTIAL_SUFFIX, parseSnapshotFileName, snapshotFileName } from './metadata-snapshot.ts'
import type { QuorumRecord } from './quorum-records.ts'

const segmentName = /^(\d{20})\.log$/

/** The loaded metadata log, and where it continues. */
export interface LoadedMetadata {
  readonly segmentPath: string
  readonly segmentBytes: number
  readonly endOffset: number
  /** The log has no metadata, at most that a leader was elected. What kafka-storage.sh prepared does not count. */
  readonly isEmpty: boolean
  readonly lastEpoch: number
  readonly lastTimestampMs: number
  readonly bytesSinceSnapshot: number
  readonly snapshotBytes: number
  /** True if the end was damaged or missing: acknowledged changes may be lost. */
  readonly isCut: boolean
}

/** Where the log is: the metadata directory, and __cluster_metadata-0 inside it. */
export interface MetadataPlace {
  readonly root: string
  readonly directory: string
}

export function segmentPath(host: Host, directory: string, baseOffset: number): string {
  return host.files.join(directory, `${String(baseOffset).padStart(20, '0')}.log`)
}

/**
 * True for files that are obsolete after a snapshot up to endOffset: segments with their indexes, and older snapshots,
 * complete or not.
 */
export function isReplaced(name: string, endOffset: number): boolean {
  const snapshot = parseSnapshotFileName(name.endsWith(PARTIAL_SUFFIX) ? name.slice(0, -PARTIAL_SUFFIX.length) : name)
  if (snapshot !== undefined) return snapshot.endOffset < endOffset
  const base = /^(\d{20})\.(log|index|timeindex|txnindex|snapshot)$/.exec(name)?.[1]
  return base !== undefined && Number(base) < endOffset
}

/** Loads the newest snapshot and the segments after it. Throws MetadataDamage. */
export function loadMetadata(host: Host, place: MetadataPlace, logger: Logger, replay: MetadataReplay): LoadedMetadata {
  const { directory } = place
  const bases = host.files
    .list(directory)
    .flatMap((name) => segmentName.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b)
  const snapshot = loadSnapshot(host, place, logger, replay)
  // Segments that end before the snapshot are not read.
  const first = bases.findLastIndex((base) => base <= snapshot.endOffset)
  const needed = first === -1 ? bases : bases.slice(first)
  let { endOffset, epoch: lastEpoch, lastTimestampMs } = snapshot
  let segmentBytes = 0
  let segmentEnd = 0
  let bytesSinceSnapshot = 0
  let isCut = false
  let isEmpty = snapshot.endOffset === 0
  const replayLogged: MetadataReplay = {
    record(record, bytes) {
      isEmpty = false
      replay.record(record, bytes)
    },
    quorum: (record) => replay.quorum(record),
  }
  for (const [index, base] of needed.entries()) {
    const path = segmentPath(host, directory, base)
    if (base > endOffset)
      throw new MetadataDamage(path, `the offsets ${endOffset} to ${base - 1} before it are missing`)
    const scan = readMetadataFile(host, path, snapshot.endOffset, replayLogged)
    if (scan.fault !== undefined) {
      if (index < needed.length - 1)
        throw new MetadataDamage(path, `damaged at position ${scan.endPosition}: ${scan.fault}`)
      cutDamagedEnd(host, { ...scan, path, fault: scan.fault }, logger)
      isCut = true
    }
    segmentEnd = scan.endOffset ?? base
    endOffset = Math.max(endOffset, segmentEnd)
    lastEpoch = Math.max(lastEpoch, scan.lastEpoch ?? 0)
    lastTimestampMs = Math.max(lastTimestampMs, scan.lastTimestampMs)
    segmentBytes = scan.endPosition
    bytesSinceSnapshot += scan.endPosition
  }
  const last = needed.at(-1)
  // If the snapshot reaches beyond the log (it came from another voter), the log continues at its end.
  const behind = last === undefined || segmentEnd < snapshot.endOffset
  const base = behind ? endOffset : last
  return {
    segmentPath: segmentPath(host, directory, base),
    segmentBytes: behind ? 0 : segmentBytes,
    endOffset,
    isEmpty,
    lastEpoch,
    lastTimestampMs,
    bytesSinceSnapshot,
    snapshotBytes: snapshot.sizeBytes,
    isCut,
  }
}

/** Loads the newest complete snapshot, else the bootstrap file that older versions of `kafka-storage format` wrote. */
function loadSnapshot(host: Host, { root, directory }: MetadataPlace, logger: Logger, replay: MetadataReplay) {
  const snapshots = host.files
    .list(directory)
    .flatMap((name) => parseSnapshotFileName(name) ?? [])
    .sort((a, b) => b.endOffset - a.endOffset || b.epoch - a.epoch)
  for (const id of snapshots) {
    const path = host.files.join(directory, snapshotFileName(id))
    const records: Parameters<MetadataReplay['record']>[] = []
    const quorum: QuorumRecord[] = []
    const scan = readMetadataFile(host, path, 0, {
      record: (record, bytes) => records.push([record, Buffer.from(bytes)]),
      quorum: (each) => quorum.push(each),
    })
    if (scan.fault === undefined && scan.hasFooter) {
      for (const [record, bytes] of records) fitRecord(path, 'a record', () => replay.record(record, bytes))
      for (const each of quorum) replay.quorum(each)
      return {
        endOffset: id.endOffset,
        epoch: id.epoch,
        lastTimestampMs: scan.lastTimestampMs,
        sizeBytes: scan.endPosition,
      }
    }
    const fault = scan.fault ?? 'it is incomplete'
    logger.warn({ path }, `the metadata snapshot ${path} is ignored: ${fault}`)
  }
  const bootstrap = host.files.join(root, 'bootstrap.checkpoint')
  if (host.files.exists(bootstrap)) readMetadataFile(host, bootstrap, 0, replay)
  return { endOffset: 0, epoch: 0, lastTimestampMs: -1, sizeBytes: 0 }
}
