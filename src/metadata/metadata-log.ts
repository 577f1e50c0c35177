import { ByteReader } from '../../protocol/byte-reader.ts'
import { decode } from '../../protocol/codegen.ts'
import { VotersRecord } from '../../protocol/internal-records/control-records.ts'
import { invariant } from '../../protocol/invariant.ts'
import { buildBatch } from '../../protocol/records/batch-builder.ts'
import { buildControlBatch, buildLeaderChangeBatch } from '../../protocol/records/control-records.ts'
import { ZERO_UUID } from '../../protocol/schema.ts'
import type { FileHandle, Host } from '../../storage/host/host.ts'
import type { Slices } from '../../storage/host/turn-slices.ts'
import { SpaceReserve } from '../../storage/space-reserve.ts'
import type { Logger } from '../observe/logger.ts'
import { isReplaced, type LoadedMetadata, loadMetadata, segmentPath } from './metadata-log-files.ts'
import type { MetadataReplay } from './metadata-log-reader.ts'
import { snapshotBatches, snapshotFileName } from './metadata-snapshot.ts'
import type { QuorumRecord } from './quorum-records.ts'
import { type QuorumState, readQuorumState, writeQuorumState } from './quorum-state.ts'
import { writeSnapshot } from './snapshot-writer.ts'

/** Name of the log's directory in the metadata directory. */
export const METADATA_LOG = '__cluster_metadata-0'
/** Uuid.METADATA_TOPIC_ID. */
const TOPIC_ID = 'AAAAAAAAAAAAAAAAAAAAAQ'

/**
 * The __cluster_metadata log in Kafka's file formats: segments, snapshots, quorum-state. This node is the whole quorum,
 * so synced records are committed. Changes are staged in order and written together by `flush`.
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
  /** The log had no metadata when it was opened: a first start, or the next after a crash in it. */
  readonly wasEmpty: boolean
  #mayHaveLostChanges: boolean
  readonly #endsAtSnapshot: boolean
  #lastSnapshotBytes: number
  #staged: Buffer[] = []
  #stagedQuorum: QuorumRecord[] = []
  /** A write failed: bytes after the durable position are undefined and are truncated before the next write. */
  #tailIsDirty = false
  /** False until the directory has been synced after creating the segment. */
  #isDirectorySynced = false

  private constructor(
    host: Host,
    logDirectory: string,
    directory: string,
    logger: Logger,
    loaded: LoadedMetadata,
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
    this.wasEmpty = loaded.isEmpty
    this.#mayHaveLostChanges = loaded.isCut
    this.#endsAtSnapshot = loaded.endOffset > 0 && loaded.bytesSinceSnapshot === 0
    this.#lastSnapshotBytes = loaded.snapshotBytes
  }

  /**
   * Loads the newest snapshot and the segments after it. Truncates an incomplete end of the last segment and logs it.
   * Throws MetadataDamage, naming the file, for other damage: metadata is never guessed.
   */
  static open(host: Host, logDirectory: string, logger: Logger, replay: MetadataReplay['record']): MetadataLog {
    const directory = host.files.join(logDirectory, METADATA_LOG)
    if (!host.files.exists(directory)) {
      host.files.makeDirectory(directory)
      host.files.syncDirectory(logDirectory)
    }
    const quorum: QuorumRecord[] = []
    const loaded = loadMetadata(host, { root: logDirectory, directory }, logger, {
      record: replay,
      quorum: (each) => quorum.push(each),
    })
    const metadataFile = host.files.join(directory, 'partition.metadata')
    if (!host.files.exists(metadataFile)) host.files.replaceWhole(metadataFile, `version: 0\ntopic_id: ${TOPIC_ID}`)
    return new MetadataLog(host, logDirectory, directory, logger, loaded, quorum)
  }

  /** Offset of the next record, after all staged records. */
  get endOffset(): number {
    return this.#endOffset
  }
  /** Epoch of this leader, or of the last record before `lead`. */
  get epoch(): number {
    return this.#epoch
  }
  /** True if the log's end was damaged: acknowledged changes may be missing. */
  get mayHaveLostChanges(): boolean {
    return this.#mayHaveLostChanges
  }

  /**
   * Detects lost changes without a damaged file. A stopping broker fences itself with its last record. If that record
   * is missing after a clean stop, or after a snapshot at the end of the log, the end is lost.
   */
  expectEndOfBroker(isFenced: boolean, wasCleanStop: boolean): void {
    if (isFenced || this.#mayHaveLostChanges) return
    if (!wasCleanStop && !this.#endsAtSnapshot) return
    this.#mayHaveLostChanges = true
    const end = wasCleanStop ? 'before the stop of the broker' : 'with its snapshot'
    this.#logger.warn(
      { directory: this.#directory },
      `the log in ${this.#directory} ends ${end}, at offset ${this.#endOffset}: if its files were damaged or are old, ` +
        'later metadata changes (topics, settings) are lost; restore it from a backup if there is one',
    )
  }
  get hasStaged(): boolean {
    return this.#staged.length > 0
  }
  /** Bytes of records after the newest snapshot, which a start replays. */
  get bytesSinceSnapshot(): number {
    return this.#bytesSinceSnapshot
  }

  /** Size of the newest snapshot; 0 if there is none. */
  get lastSnapshotBytes(): number {
    return this.#lastSnapshotBytes
  }

  /** Starts a new epoch with nodeId as leader. Stages its first record. */
  lead(nodeId: number, nowMs: number): void {
    const state = this.#readQuorumState()
    this.#epoch = Math.max(this.#epoch, state?.leaderEpoch ?? 0) + 1
    const dataVersion = this.kraftVersion
    writeQuorumState(this.#host, this.#directory, { leaderId: nodeId, leaderEpoch: this.#epoch, dataVersion })
    this.#writeEpochs(`0\n1\n${this.#epoch} ${this.#endOffset}\n`)
    // Kafka reads no newer version of this message, also if the log names the voters.
    const change = { leaderId: nodeId, voters: [nodeId], grantingVoters: [nodeId] }
    this.#stage(buildLeaderChangeBatch(change, this.#options(nowMs)), 1, nowMs)
  }

  /**
   * Reads quorum-state. A damaged file is ignored: for a quorum of one the log has the epoch and says whether it stores
   * its voters.
   */
  #readQuorumState(): QuorumState | undefined {
    const state = readQuorumState(this.#host, this.#directory)
    if (state !== 'damaged') return state
    this.#logger.warn(
      { directory: this.#directory },
      `quorum-state in ${this.#directory} cannot be read: it is rebuilt from the log, which ends in epoch ${this.#epoch}`,
    )
    return { leaderId: -1, leaderEpoch: this.#epoch, dataVersion: this.kraftVersion }
  }

  /** 1 if voters are in the log. */
  get kraftVersion(): number {
    return this.#quorum.has('KRAFT_VOTERS') ? 1 : 0
  }

  /** The voter's directory in the log; the zero uuid if voters are not in it. */
  voterDirectoryId(nodeId: number): string {
    const record = this.#quorum.get('KRAFT_VOTERS')
    const known = record === undefined ? [] : decode(VotersRecord, 0, new ByteReader(record.value)).voters
    return known.find((voter) => voter.voterId === nodeId)?.voterDirectoryId ?? ZERO_UUID
  }

  // Kafka rebuilds this file from the segments if it is missing. Older epochs matter only to followers, and there are
  // none.
  #writeEpochs(content: string): void {
    this.#host.files.replaceWhole(this.#host.files.join(this.#directory, 'leader-epoch-checkpoint'), content)
  }

  /** Stages records as one atomic batch. */
  append(values: readonly Buffer[], nowMs: number): void {
    const records = values.map((value) => ({ value, timestamp: nowMs }))
    this.#stage(buildBatch(records, this.#options(nowMs)), values.length, nowMs)
  }

  /** Stages what the log says of the quorum from now on. */
  appendQuorum(records: readonly QuorumRecord[], nowMs: number): void {
    this.#stage(buildControlBatch(records, this.#options(nowMs)), records.length, nowMs)
    this.#stagedQuorum.push(...records)
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
   * Writes and syncs everything staged. freesRoom: use the space reserved for a full disk. After a rejection call
   * `discard`: nothing staged has taken effect.
   */
  async flush(freesRoom = false): Promise<void> {
    const slices = this.#staged
    const endOffset = this.#endOffset
    const quorum = this.#stagedQuorum
    this.#staged = []
    this.#stagedQuorum = []
    if (slices.length === 0) return
    this.#syncDirectory()
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
    for (const record of quorum) this.#quorum.set(record.type, record)
  }

  async #write(slices: readonly Buffer[]): Promise<void> {
    if (this.#tailIsDirty) this.#segment.truncate(this.#durablePosition)
    this.#tailIsDirty = true
    await this.#segment.write(slices, this.#durablePosition)
    await this.#segment.sync()
    this.#tailIsDirty = false
  }

  /** Syncs the directory, so that a new segment survives a power loss. */
  #syncDirectory(): void {
    if (this.#isDirectorySynced) return
    this.#host.files.syncDirectory(this.#directory)
    this.#isDirectorySynced = true
  }

  /** Discards staged records and what a failed flush may have written. */
  discard(): void {
    this.#staged = []
    this.#stagedQuorum = []
    this.#endOffset = this.#durableEndOffset
  }

  /**
   * Starts a new segment and writes a snapshot of all records before it, in slices. Then removes the files that the
   * snapshot replaces. Changes may be appended meanwhile. values: the records that rebuild the current image.
   */
  async snapshot(values: Iterable<Buffer>, nowMs: number, slices: Slices): Promise<void> {
    invariant(this.#staged.length === 0, 'a snapshot is taken between flushes')
    const id = { endOffset: this.#endOffset, epoch: this.#epoch }
    const at = { id, nowMs, lastTimestampMs: this.#lastTimestampMs, quorum: [...this.#quorum.values()] }
    const replacedBytes = this.#bytesSinceSnapshot
    this.#roll()
    const { files } = this.#host
    const batches = snapshotBatches(values, at)
    const sizeBytes = await writeSnapshot(files, this.#directory, snapshotFileName(id), batches, slices)
    this.#bytesSinceSnapshot -= replacedBytes
    this.#lastSnapshotBytes = sizeBytes
    for (const name of files.list(this.#directory).filter((each) => isReplaced(each, id.endOffset)))
      await files.removeAside(files.join(this.#directory, name))
    this.#writeEpochs(`0\n1\n${id.epoch} ${id.endOffset}\n`)
    this.#logger.info({ ...id, sizeBytes }, 'wrote a snapshot of the cluster metadata')
  }

  #roll(): void {
    if (this.#durablePosition === 0) return
    const next = this.#host.files.open(segmentPath(this.#host, this.#directory, this.#endOffset), 'a+')
    this.#segment.close()
    this.#segment = next
    this.#durablePosition = next.size()
    this.#isDirectorySynced = false
  }

  close(): void {
    this.#segment.close()
  }
}
