import { batchesOf } from '../../../protocol/records/record-batch.ts'
import { parseOffsets } from '../../../storage/checkpoint-files.ts'
import type { MemoryFiles } from '../../../storage/host/memory-files.ts'
import { hasValidChecksum } from '../../../storage/segment/stored-batch.ts'
import type { Rot } from '../../rot/rot.ts'
import { hasLostBatches } from './lost-batches.ts'
import type { Variant } from './made-directory.ts'

const PARTITION = /^[^/]+-\d+$/
const METADATA = '__cluster_metadata-0'
/** Files without which a broker must be able to work. */
const HINTS = ['recovery-point-offset-checkpoint', 'cleaner-offset-checkpoint', '.kafka_cleanshutdown', '.lock']

/** Parts of a directory's content touched by damage: everything else must be unchanged. */
export class Damage {
  readonly rots: readonly Rot[]
  readonly #paths: readonly string[]
  /** Partitions whose own files were touched. */
  readonly #partitions = new Set<string>()
  /** Data directories that were damaged as a whole, or in meta.properties. */
  readonly #directories = new Set<string>()
  /** Partitions in a data directory with damage to a file about all its partitions, such as a checkpoint. */
  readonly #sharedIn = new Set<string>()
  #isMetadata = false
  #isMoved = false
  /** Partitions with damage that cannot be detected: see `noteUntold`. */
  readonly #untold = new Set<string>()
  /** Partitions of which the broker must notice, if it replays them, that batches are gone. */
  readonly #withHoles = new Set<string>()
  /** Partitions with a wrong checksum in a batch that begins below the log's start: a client may never get that batch. */
  readonly #belowStart = new Set<string>()
  /** Partitions of one topic whose directories were swapped. */
  readonly #swapped = new Set<string>()
  /** Partitions whose partition.metadata may contain another id. */
  readonly #withOtherId = new Set<string>()
  /** Partition directories after the damage. */
  #present: readonly string[] = []
  readonly #dataDirectories: readonly string[]
  /** No files are left, as before the first start. */
  readonly #isNew: boolean

  constructor(rots: readonly Rot[], variant: Variant) {
    this.rots = rots
    this.#paths = rots.flatMap(({ paths }) => paths)
    this.#dataDirectories = variant.directories
    for (const path of this.#paths) this.#note(path, variant)
    this.#noteSwapped(rots.filter(({ what }) => what.endsWith(' swapped')))
    this.#isNew = variant.directories.every((each) => this.#paths.includes(each))
  }

  /**
   * Finds damage that no checksum and no other file shows, and that Kafka cannot detect either: logs with valid batches
   * only, of which some are missing, belong to another partition or have wrong offsets; files without a checksum but
   * with possible content (transaction indexes, log-start-offset-checkpoint); producer snapshots of another partition or
   * offset.
   */
  noteUntold(files: MemoryFiles, startOf: (partition: string) => number): void {
    for (const path of this.#paths) {
      const [name = ''] = path.split('/').slice(-2)
      if (path.endsWith('.txnindex')) this.#untold.add(name)
      const bytes = path.endsWith('.log') && files.exists(path) ? files.readWhole(path) : undefined
      if (bytes !== undefined && isWholeLog(bytes)) this.#untold.add(name)
      if (bytes !== undefined && hasLostBatches(files, path.slice(0, path.lastIndexOf('/')))) this.#withHoles.add(name)
      if (bytes !== undefined && hasDamageBelow(bytes, startOf(name))) this.#belowStart.add(name)
      if (!path.endsWith('/log-start-offset-checkpoint')) continue
      const told = parseOffsets(files.readWhole(path)?.toString('latin1') ?? '')
      if (told !== undefined || !files.exists(path)) this.#areStartsUntold = true
    }
    // The batches of a log do not say whose they are. A producer snapshot has a checksum, but contains neither its
    // partition nor its offset.
    for (const { what, paths } of this.rots)
      if (/swapped|replaced/.test(what))
        for (const path of paths) if (/\.(log|snapshot)$/.test(path)) this.#untold.add(path.split('/').at(-2)!)
    const existing = this.#dataDirectories.filter((each) => files.exists(each))
    this.#present = existing.flatMap((each) => files.list(each)).filter((name) => PARTITION.test(name))
  }

  /**
   * A directory holds the id of its topic, but not the number of its partition; and only the metadata log tells whose
   * id it is. Committed offsets are seen to be misplaced.
   */
  #noteSwapped(swaps: readonly Rot[]): void {
    const origins = new Map<string, string>()
    for (const { paths } of swaps) {
      const [a = '', b = ''] = paths
      const [originOfA, originOfB] = [origins.get(a) ?? a, origins.get(b) ?? b]
      origins.set(a, originOfB).set(b, originOfA)
    }
    for (const [path, origin] of origins) {
      const [partition, found] = [partitionAt(path), partitionAt(origin)]
      if (partition === undefined || found === undefined || partition === found) continue
      const names = [partition, found].map((each) => `/${each}/partition.metadata`)
      const isIdLost = this.#paths.some((each) => names.some((name) => each.endsWith(name)))
      if (topicOf(partition) !== topicOf(found) && !this.#isMetadata && !isIdLost) continue
      this.#swapped.add(partition).add(found)
    }
  }

  #areStartsUntold = false

  /** Whether the broker sees empty directories. */
  get isNew(): boolean {
    return this.#isNew
  }

  /** Whether a wrong checksum of the partition may be in a batch that no client gets. */
  isBelowStart(partition: string): boolean {
    return this.#belowStart.has(partition)
  }

  areRecordsUntold(partition: string, directory: string | undefined): boolean {
    return this.#swapped.has(partition) || this.#untold.has(partition) || this.#isStartUntold(partition, directory)
  }

  areOffsetsUntold(partition: string, directory: string | undefined): boolean {
    if (this.#isStartUntold(partition, directory)) return true
    return this.#untold.has(partition) && !this.#withHoles.has(partition)
  }

  #isStartUntold(partition: string, directory: string | undefined): boolean {
    return this.#areStartsUntold && this.concerns(partition, directory)
  }

  #note(path: string, { directories }: Variant): void {
    const directory = directories.find((each) => path === each || path.startsWith(`${each}/`))!
    const [name = '', file] = path.slice(directory.length + 1).split('/')
    if (name === '' || name === 'meta.properties') this.#directories.add(directory)
    if (name === '') this.#sharedIn.add(directory)
    if (name === METADATA) this.#isMetadata = true
    else if (PARTITION.test(name)) this.#partitions.add(name)
    else if (name !== '' && !HINTS.includes(name)) this.#sharedIn.add(directory)
    if (file === undefined && PARTITION.test(name)) this.#isMoved = true
    if (file === 'partition.metadata') this.#withOtherId.add(name)
    // The metadata log lies in the first one.
    if (name === '' && directory === directories[0]) this.#isMetadata = true
  }

  /** Whether the broker may refuse to start. */
  get mayRefuseStart(): boolean {
    return this.#isMetadata || this.#directories.size > 0 || this.#isMoved
  }

  get concernsMetadata(): boolean {
    return this.#isMetadata
  }

  /** Whether the partition's content may be damaged. `directory`: its data directory. */
  concerns(partition: string, directory: string | undefined): boolean {
    if (this.#partitions.has(partition) || (directory !== undefined && this.#sharedIn.has(directory))) return true
    // Without metadata, most directories of a topic decide its id, of several ids the first. Others are set aside.
    const topic = topicOf(partition)
    const isOfTopic = (each: string): boolean => topicOf(each) === topic
    if (!this.#isMetadata) return false
    if ([...this.#swapped].some(isOfTopic)) return true
    const others = [...this.#withOtherId].filter(isOfTopic).length
    return others > 0 && 2 * others >= this.#present.filter(isOfTopic).length
  }

  /** Names of which the log line about a partition's loss must contain one. */
  namesOf(partition: string): string[] {
    const dash = partition.lastIndexOf('-')
    const fields = `"topic":"${partition.slice(0, dash)}","partition":${partition.slice(dash + 1)}`
    const shared = this.#paths.filter((path) => !PARTITION.test(path.split('/').at(-2) ?? ''))
    const inWords = `partition ${partition.slice(dash + 1)} of topic ${partition.slice(0, dash)} `
    return [partition, fields, inWords, ...shared]
  }

  /** Whether the text names the file or its directory. */
  isNamedIn(text: string): boolean {
    return this.#paths.some((path) => text.includes(path) || text.includes(path.slice(0, path.lastIndexOf('/'))))
  }

  toString(): string {
    return this.rots.map(({ what }) => what).join('; ')
  }
}

/** Name of the partition with this directory; undefined if it is no partition's directory. */
function partitionAt(path: string): string | undefined {
  const name = path.split('/').at(-1)!
  return PARTITION.test(name) ? name : undefined
}

function topicOf(partition: string): string {
  return partition.slice(0, partition.lastIndexOf('-'))
}

function hasDamageBelow(bytes: Buffer, start: number): boolean {
  return batchesOf(bytes).batches.some((batch) => batch.baseOffset < start && !hasValidChecksum(batch))
}

function isWholeLog(bytes: Buffer): boolean {
  const { batches, endPosition } = batchesOf(bytes)
  return endPosition === bytes.length && batches.every(hasValidChecksum)
}
