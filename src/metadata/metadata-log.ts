import { ByteReader } from '../../protocol/byte-reader.ts'
import { ByteWriter, contiguous } from '../../protocol/byte-writer.ts'
import { decode, encode } from '../../protocol/codegen.ts'
import { LeaderChangeMessage, VotersRecord } from '../../protocol/internal-records/control-records.ts'
import { invariant } from '../../protocol/invariant.ts'
import { buildBatch } from '../../protocol/records/batch-builder.ts'
import { buildControlBatch } from '../../protocol/records/control-records.ts'
import type { FileHandle, Host } from '../../storage/host/host.ts'
import { SpaceReserve } from '../../storage/space-reserve.ts'
import type { Logger } from '../observe/logger.ts'
import { type MetadataReplay, readMetadataFile } from './metadata-log-reader.ts'
import { parseSnapshotFileName, type QuorumRecord, snapshotBytes, snapshotFileName } from './metadata-snapshot.ts'
import { readQuorumState, writeQuorumState } from './quorum-state.ts'

const DIRECTORY_NAME = '__cluster_metadata-0'
/** Uuid.METADATA_TOPIC_ID. */
const TOPIC_ID = 'AAAAAAAAAAAAAAAAAAAAAQ'
const segmentName = /^(\d{20})\.log$/

/**
 * The log of __cluster_metadata in Kafka's own files: segments, snapshots, quorum-state. This node is the quorum: what
 * is written and synced is committed. Decisions are staged in order and written together by `flush`.
 */
export class MetadataLog {
  readonly #host: Host
  readonly #directory: string
  readonly #logger: Logger
  readonly #quorum = new Map<QuorumRecord['type'], QuorumRecord>()
  readonly #reserve: SpaceReserve
  #segment: FileHandle
  /** Bytes of the segment that are written and synced, and the offset after them. */
  #durablePosition: number
  #durableEndOffset: number
  #endOffset: number
  #epoch: number
  #lastTimestampMs: number
  #bytesSinceSnapshot: number
  #lastSnapshotBytes: number
  #staged: Buffer[] = []
  /** A write failed: what stands behind the durable position is unknown and goes before the next write. */
  #tailIsDirty = false
  /** False: the directory was not synced since the segment was made. */
  #isNamed = false

  private constructor(
    host: Host,
    logDirectory: string,
    directory: string,
    logger: Logger,
    loaded: Loaded,
    quorum: readonly QuorumRecord[],
  ) {
    this.#reserve = new SpaceReserve(host.files, logDirectory)
    this.#host = host
    this.#directory = directory
    this.#logger = logger
    for (const record of quorum) this.#quorum.set(record.type, record)
    this.#segment = host.files.open(loaded.segmentPath, 'a+')
    this.#durablePosition = loaded.segmentBytes
    this.#durableEndOffset = loaded.endOffset
    this.#endOffset = loaded.endOffset
    this.#epoch = loaded.lastEpoch
    this.#lastTimestampMs = loaded.lastTimestampMs
    this.#bytesSinceSnapshot = loaded.bytesSinceSnapshot
    this.#lastSnapshotBytes = loaded.snapshotBytes
  }

  /**
   * Reads the newest snapshot and what follows it. A torn end of the last segment is cut and logged; anything else that
   * is broken throws, naming the file: metadata is not guessed.
   */
  static open(host: Host, logDirectory: string, logger: Logger, replay: MetadataReplay['record']): MetadataLog {
    const directory = host.files.join(logDirectory, DIRECTORY_NAME)
    if (!host.files.exists(directory)) {
      host.files.makeDirectory(directory)
      host.files.syncDirectory(logDirectory)
    }
    const quorum: QuorumRecord[] = []
    const loaded = load(host, logDirectory, directory, logger, { record: replay, quorum: (each) => quorum.push(each) })
    const metadataFile = host.files.join(directory, 'partition.metadata')
    if (!host.files.exists(metadataFile)) host.files.replaceWhole(metadataFile, `version: 0\ntopic_id: ${TOPIC_ID}`)
    return new MetadataLog(host, logDirectory, directory, logger, loaded, quorum)
  }

  /** Offset that the next record gets; covers what is staged. */
  get endOffset(): number {
    return this.#endOffset
  }
  /** Epoch of this leader, or of the last record before `lead`. */
  get epoch(): number {
    return this.#epoch
  }
  get hasStaged(): boolean {
    return this.#staged.length > 0
  }
  /** Bytes that a start would have to replay after the newest snapshot. */
  get bytesSinceSnapshot(): number {
    return this.#bytesSinceSnapshot
  }

  /** Size of the newest snapshot; 0: there is none. */
  get lastSnapshotBytes(): number {
    return this.#lastSnapshotBytes
  }

  /** Opens a new epoch of which nodeId is the leader; its first record is staged. */
  lead(nodeId: number, nowMs: number): void {
    const state = readQuorumState(this.#host, this.#directory)
    this.#epoch = Math.max(this.#epoch, state?.leaderEpoch ?? 0) + 1
    const dataVersion = state?.dataVersion ?? 0
    writeQuorumState(this.#host, this.#directory, { leaderId: nodeId, leaderEpoch: this.#epoch, dataVersion })
    const version = this.#quorum.has('KRAFT_VOTERS') ? 1 : 0
    const voters = this.#voters(nodeId)
    const writer = new ByteWriter()
    encode(LeaderChangeMessage, version, { version, leaderId: nodeId, voters, grantingVoters: voters }, writer)
    this.#writeEpochs(`0\n1\n${this.#epoch} ${this.#endOffset}\n`)
    this.#stage(buildControlBatch('LEADER_CHANGE', contiguous(writer.finish()), this.#options(nowMs)), 1, nowMs)
  }

  #voters(nodeId: number): { voterId: number; voterDirectoryId: string }[] {
    const record = this.#quorum.get('KRAFT_VOTERS')
    const known = record === undefined ? [] : decode(VotersRecord, 0, new ByteReader(record.value)).voters
    const own = known.find((voter) => voter.voterId === nodeId)
    return [{ voterId: nodeId, voterDirectoryId: own?.voterDirectoryId ?? 'AAAAAAAAAAAAAAAAAAAAAA' }]
  }

  // Kafka rebuilds it from the segments where it is missing; older epochs matter to followers alone, and there are none.
  #writeEpochs(content: string): void {
    this.#host.files.replaceWhole(this.#host.files.join(this.#directory, 'leader-epoch-checkpoint'), content)
  }

  /** Stages records as one batch, which is written as a whole or not at all. */
  append(values: readonly Buffer[], nowMs: number): void {
    const records = values.map((value) => ({ value, timestamp: nowMs }))
    this.#stage(buildBatch(records, this.#options(nowMs)), values.length, nowMs)
  }

  #options(nowMs: number) {
    return { baseOffset: this.#endOffset, partitionLeaderEpoch: this.#epoch, timestampMs: nowMs }
  }

  #stage(batch: Buffer, count: number, nowMs: number): void {
    this.#staged.push(batch)
    this.#endOffset += count
    this.#lastTimestampMs = nowMs
  }

  /**
   * Writes and syncs all that is staged, with the reserve of a full disk where that frees room. Rejects when that failed: call `discard`, and what was staged never happened.
   */
  async flush(freesRoom = false): Promise<void> {
    const slices = this.#staged
    const endOffset = this.#endOffset
    this.#staged = []
    if (slices.length === 0) return
    this.#syncName()
    try {
      await this.#write(slices)
    } catch (error) {
      if (!freesRoom || !this.#reserve.giveUp(error)) throw error
      await this.#write(slices)
    }
    this.#reserve.fill()
    const size = slices.reduce((sum, slice) => sum + slice.length, 0)
    this.#durablePosition += size
    this.#durableEndOffset = endOffset
    this.#bytesSinceSnapshot += size
  }

  async #write(slices: readonly Buffer[]): Promise<void> {
    if (this.#tailIsDirty) this.#segment.truncate(this.#durablePosition)
    this.#tailIsDirty = true
    await this.#segment.write(slices, this.#durablePosition)
    await this.#segment.sync()
    this.#tailIsDirty = false
  }

  /** The segment survives a power loss from now on. */
  #syncName(): void {
    if (this.#isNamed) return
    this.#host.files.syncDirectory(this.#directory)
    this.#isNamed = true
  }

  /** Forgets what is staged and what a failed flush may have written. */
  discard(): void {
    this.#staged = []
    this.#endOffset = this.#durableEndOffset
  }

  /** Writes a snapshot of the records so far, starts a new segment, and removes what the snapshot replaces. */
  snapshot(values: Iterable<Buffer>, nowMs: number): void {
    invariant(this.#staged.length === 0, 'a snapshot is taken between flushes')
    const id = { endOffset: this.#endOffset, epoch: this.#epoch }
    const quorum = [...this.#quorum.values()]
    const bytes = snapshotBytes(values, { id, nowMs, lastTimestampMs: this.#lastTimestampMs, quorum })
    const { files } = this.#host
    files.replaceWhole(files.join(this.#directory, snapshotFileName(id)), bytes)
    const old = files.list(this.#directory).filter((name) => isReplaced(name, id.endOffset))
    const next = files.open(segmentPath(this.#host, this.#directory, id.endOffset), 'a+')
    this.#segment.close()
    this.#segment = next
    this.#durablePosition = next.size()
    this.#isNamed = false
    this.#bytesSinceSnapshot = 0
    this.#lastSnapshotBytes = bytes.length
    this.#syncName()
    for (const name of old) files.remove(files.join(this.#directory, name))
    this.#writeEpochs(`0\n1\n${this.#epoch} ${this.#endOffset}\n`)
    this.#logger.info({ ...id, sizeBytes: bytes.length }, 'wrote a snapshot of the cluster metadata')
  }

  close(): void {
    this.#segment.close()
  }
}

interface Loaded {
  readonly segmentPath: string
  readonly segmentBytes: number
  readonly endOffset: number
  readonly lastEpoch: number
  readonly lastTimestampMs: number
  readonly bytesSinceSnapshot: number
  readonly snapshotBytes: number
}

function segmentPath(host: Host, directory: string, baseOffset: number): string {
  return host.files.join(directory, `${String(baseOffset).padStart(20, '0')}.log`)
}

/** Segments with their indexes, and snapshots, of which nothing is needed once a snapshot ends at endOffset. */
function isReplaced(name: string, endOffset: number): boolean {
  const snapshot = parseSnapshotFileName(name)
  if (snapshot !== undefined) return snapshot.endOffset < endOffset
  const base = /^(\d{20})\.(log|index|timeindex|txnindex|snapshot)$/.exec(name)?.[1]
  return base !== undefined && Number(base) < endOffset
}

function load(host: Host, root: string, directory: string, logger: Logger, replay: MetadataReplay): Loaded {
  const bases = host.files
    .list(directory)
    .flatMap((name) => segmentName.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b)
  const snapshot = loadSnapshot(host, root, directory, logger, replay)
  // Segments that end before the snapshot are not read at all.
  const first = bases.findLastIndex((base) => base <= snapshot.endOffset)
  const needed = first === -1 ? bases : bases.slice(first)
  let { endOffset, epoch: lastEpoch, lastTimestampMs } = snapshot
  let segmentBytes = 0
  let segmentEnd = 0
  let bytesSinceSnapshot = 0
  for (const [index, base] of needed.entries()) {
    if (base > endOffset)
      throw new Error(`${segmentPath(host, directory, base)}: offsets ${endOffset} to ${base} are missing`)
    const path = segmentPath(host, directory, base)
    const scan = readMetadataFile(host, path, snapshot.endOffset, replay)
    if (scan.fault !== undefined) cutTail(host, path, scan.endPosition, scan.fault, index === needed.length - 1, logger)
    segmentEnd = scan.endOffset ?? base
    endOffset = Math.max(endOffset, segmentEnd)
    lastEpoch = Math.max(lastEpoch, scan.lastEpoch ?? 0)
    lastTimestampMs = Math.max(lastTimestampMs, scan.lastTimestampMs)
    segmentBytes = scan.endPosition
    bytesSinceSnapshot += scan.endPosition
  }
  const last = needed.at(-1)
  // A snapshot that reaches beyond the log (it came from another voter) is where the log goes on.
  const behind = last === undefined || segmentEnd < snapshot.endOffset
  const base = behind ? endOffset : last
  return {
    segmentPath: segmentPath(host, directory, base),
    segmentBytes: behind ? 0 : segmentBytes,
    endOffset,
    lastEpoch,
    lastTimestampMs,
    bytesSinceSnapshot,
    snapshotBytes: snapshot.sizeBytes,
  }
}

function cutTail(host: Host, path: string, position: number, fault: string, isLast: boolean, logger: Logger): void {
  if (!isLast) throw new Error(`${path} is damaged at position ${position}: ${fault}`)
  const handle = host.files.open(path, 'r+')
  const cutBytes = handle.size() - position
  handle.truncate(position)
  handle.syncNow()
  handle.close()
  logger.warn({ path, position, cutBytes, fault }, `cut a torn end of ${cutBytes} bytes from the metadata log`)
}

/** The newest snapshot that was finished; where there is none, what `kafka-storage format` of older versions left. */
function loadSnapshot(host: Host, root: string, directory: string, logger: Logger, replay: MetadataReplay) {
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
      for (const [record, bytes] of records) replay.record(record, bytes)
      for (const each of quorum) replay.quorum(each)
      return {
        endOffset: id.endOffset,
        epoch: id.epoch,
        lastTimestampMs: scan.lastTimestampMs,
        sizeBytes: scan.endPosition,
      }
    }
    logger.warn({ path, fault: scan.fault }, 'ignored a metadata snapshot that was never finished')
  }
  const bootstrap = host.files.join(root, 'bootstrap.checkpoint')
  if (host.files.exists(bootstrap)) readMetadataFile(host, bootstrap, 0, replay)
  return { endOffset: 0, epoch: 0, lastTimestampMs: -1, sizeBytes: 0 }
}
