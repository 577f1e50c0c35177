import { ByteReader } from '../../protocol/byte-reader.ts'
import { readMetadataRecord } from '../../protocol/internal-records/metadata-framing.ts'
import { eachAlone, failureOfPart, inBackground, isSystemError, mayPass } from '../../storage/failure-policy.ts'
import type { Host } from '../../storage/host/host.ts'
import { StepQueue } from '../../storage/host/step-queue.ts'
import type { Slices } from '../../storage/host/turn-slices.ts'
import type { Logger } from '../observe/logger.ts'
import type { ClusterImage } from './cluster-image.ts'
import { ImageBuilder } from './image-builder.ts'
import { imageRecords } from './image-records.ts'
import type { MetadataImage } from './metadata-image.ts'
import type { MetadataLog } from './metadata-log.ts'
import type { ChangeOptions, MetadataChange } from './metadata-store.ts'
import type { QuorumRecord } from './quorum-records.ts'

/** An accepted change: its records, and the result for the client once they are written. No records: no change. */
export interface MetadataDecision<T> {
  /** Can be read once: records of large topics are encoded one at a time. */
  readonly records: Iterable<Buffer>
  /** What the log says of the quorum from then on. */
  readonly quorum?: readonly QuorumRecord[]
  readonly result: T
}

/**
 * Most records in one change. Larger changes of the controller's own are written in parts. Source:
 * QuorumController.MAX_RECORDS_PER_USER_OP.
 */
export const MAX_RECORDS_PER_CHANGE = 10_000

/** Decides a change on an image. A long decision yields between steps. */
export type DecideChange<T> = (image: ClusterImage) => Generator<void, MetadataDecision<T>>

/** A decision in one step. */
export function inOneStep<T>(decide: (image: ClusterImage) => MetadataDecision<T>): DecideChange<T> {
  // biome-ignore lint/correctness/useYield: the shortest of all generators
  return function* (image) {
    return decide(image)
  }
}

/** A change could not be written and has no effect. cause: the disk's error. */
export class NotWritten extends Error {
  constructor(cause: unknown) {
    super('a change of the cluster metadata could not be written', { cause })
  }
}

export type ChangeListener = (image: MetadataImage, change: MetadataChange) => void

/** A change waiting for its flush. */
interface StagedChange {
  readonly image: ClusterImage
  readonly change: MetadataChange
  /** True if the change may free space on a full disk. */
  readonly freesRoom: boolean
  readonly resolve: () => void
  readonly reject: (reason: unknown) => void
}

export interface MetadataWriterParts {
  readonly host: Host
  /** Slices for changes that take long to decide, and for snapshots. */
  readonly slices: Slices
  readonly logger: Logger
  readonly nodeId: number
  /** A snapshot is written after this many bytes of records. */
  readonly snapshotBytes: () => number
  /** Called when the directory fails, other than for lack of room or handles. */
  readonly onDiskFailure: (error: Error) => void
}

/**
 * Writes changes of the cluster metadata to their log. A change is decided on the image after all earlier changes,
 * staged and flushed. Then readers see it. A failed flush discards everything staged.
 */
export class MetadataWriter {
  readonly #parts: MetadataWriterParts
  readonly #log: MetadataLog
  readonly #listeners = new Set<ChangeListener>()
  /** The image on disk, and the image after the staged changes. */
  #image: ClusterImage
  #stagedImage: ClusterImage
  readonly #decisions = new StepQueue()
  #staged: StagedChange[] = []
  #flushing: Promise<void> | undefined
  /** Bytes since the last snapshot when the next one failed; 0 if none failed. */
  #failedSnapshotAt = 0
  /** Resolves when the snapshot under way is written or has failed. */
  #snapshotting: Promise<void> | undefined
  /** The last change was asked for. */
  #isClosing = false

  /** image: the content of the log. */
  constructor(parts: MetadataWriterParts, log: MetadataLog, image: ClusterImage) {
    this.#parts = parts
    this.#log = log
    this.#image = image
    this.#stagedImage = image
  }

  get image(): ClusterImage {
    return this.#image
  }

  onChange(listener: ChangeListener): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Waits for decided and staged changes and for a snapshot under way, then closes the log. */
  async close(): Promise<void> {
    this.#isClosing = true
    await this.#decisions.idle()
    await this.#flushing
    await this.#snapshotting
    this.#log.close()
  }

  /**
   * Decides a change on the image after all earlier changes, and stages its records as one atomic batch. Resolves once
   * the records are on disk and readers see them. Rejects with NotWritten if the disk fails.
   */
  async change<T>(decide: DecideChange<T>, options: ChangeOptions): Promise<T> {
    if (this.#isClosing) throw new NotWritten(new Error('the cluster is stopping'))
    const made = this.#decisions.run(() => this.#decideAndStage(decide, options), options.slices ?? this.#parts.slices)
    // Do not await here: a decision of one slice is staged in the turn that asked for it.
    const { result, written } = made instanceof Promise ? await made : made
    await written
    return result
  }

  /** The same for the last change: every later one is rejected, also the next part of one in parts. */
  lastChange<T>(decide: DecideChange<T>, options: ChangeOptions): Promise<T> {
    const changed = this.change(decide, options)
    this.#isClosing = true
    return changed
  }

  *#decideAndStage<T>(
    decide: DecideChange<T>,
    { nowMs, validateOnly }: ChangeOptions,
  ): Generator<void, { readonly result: T; readonly written: Promise<void> }> {
    for (;;) {
      const image = this.#stagedImage
      const { records: encoded, quorum = [], result } = yield* decide(image)
      const records = [...encoded]
      if (records.length + quorum.length === 0 || validateOnly === true) return { result, written: Promise.resolve() }
      const builder = new ImageBuilder(image)
      for (const bytes of records) {
        builder.replay(readMetadataRecord(new ByteReader(bytes)), bytes)
        yield
      }
      // A failed write has discarded changes that this decision was based on: decide again.
      if (image !== this.#stagedImage) continue
      if (quorum.length > 0) this.#log.appendQuorum(quorum, nowMs)
      return { result, written: this.#stage(records, builder, nowMs) }
    }
  }

  #stage(records: readonly Buffer[], builder: ImageBuilder, nowMs: number): Promise<void> {
    if (records.length > 0) this.#log.append(records, nowMs)
    const { image, change } = builder.finish({
      endOffset: this.#log.endOffset,
      controllerId: this.#parts.nodeId,
      controllerEpoch: this.#log.epoch,
    })
    this.#stagedImage = image
    return new Promise((resolve, rejectWrite) => {
      const freesRoom = change.topicsDeleted.length > 0 || change.configsChanged.length > 0
      this.#staged.push({ image, change, freesRoom, resolve, reject: rejectWrite })
      if (this.#flushing !== undefined) return
      this.#flushing = this.#flush()
      inBackground(this.#parts.host, this.#flushing)
    })
  }

  async #flush(): Promise<void> {
    // Collect all changes decided in this turn into one write.
    await Promise.resolve()
    while (this.#staged.length > 0) {
      const staged = this.#staged
      this.#staged = []
      try {
        await this.#log.flush(staged.some(({ freesRoom }) => freesRoom))
      } catch (error) {
        this.#takeBack([...staged, ...this.#staged], error)
        this.#noteFailure(error)
        continue
      }
      for (const { image, change, resolve } of staged) {
        this.#image = image
        this.#tellListeners(image, change)
        resolve()
      }
      this.#maybeSnapshot()
    }
    // Same turn as the last check of #staged: a later change starts its own flush.
    this.#flushing = undefined
  }

  /** Calls all listeners. If one throws, the change still stands and the others are called. */
  #tellListeners(image: ClusterImage, change: MetadataChange): void {
    const { host, logger } = this.#parts
    eachAlone(
      host,
      this.#listeners,
      (listener) => listener(image, change),
      (_, err) => logger.error({ err }, 'a part of the broker could not apply a metadata change'),
    )
  }

  #takeBack(staged: readonly StagedChange[], error: unknown): void {
    this.#staged = []
    this.#log.discard()
    this.#stagedImage = this.#image
    for (const { reject: rejectWrite } of staged) rejectWrite(new NotWritten(error))
  }

  // A snapshot costs as much as the image is large, so wait for at least as many bytes of records as the last one had.
  #maybeSnapshot(): void {
    if (this.#log.hasStaged || this.#snapshotting !== undefined) return
    const interval = Math.max(this.#parts.snapshotBytes(), this.#log.lastSnapshotBytes)
    if (this.#log.bytesSinceSnapshot < this.#failedSnapshotAt + interval) return
    this.#snapshotting = this.#snapshot().finally(() => {
      this.#snapshotting = undefined
    })
    inBackground(this.#parts.host, this.#snapshotting)
  }

  async #snapshot(): Promise<void> {
    const { host, slices, logger } = this.#parts
    try {
      await this.#log.snapshot(imageRecords(this.#image), host.clock.nowMs(), slices)
      this.#failedSnapshotAt = 0
    } catch (caught) {
      const err = failureOfPart(host, caught)
      // Another try costs as much: wait as long again.
      this.#failedSnapshotAt = this.#log.bytesSinceSnapshot
      logger.error({ err }, 'a snapshot of the cluster metadata could not be written')
      this.#noteFailure(err)
    }
  }

  #noteFailure(error: unknown): void {
    if (isSystemError(error) && !mayPass(error)) this.#parts.onDiskFailure(error)
  }
}
