import { BatchReader, type ReadBatch, type ReadRecord, type SentRecord } from './batch-reader.ts'
import { type Certainty, check } from './storage-model.ts'
import type { TopicPlan } from './topic-plan.ts'

/** Longest time that a request is in flight. */
const MAX_IN_FLIGHT_MS = 30_000

interface Known {
  readonly id: string
  certainty: Certainty
}

/** All records that clients ever sent to a partition of that name. */
class SentRecords {
  readonly #byId = new Map<string, SentRecord>()

  add(records: readonly SentRecord[]): void {
    for (const record of records) this.#byId.set(record.id, record)
  }

  get(id: string): SentRecord | undefined {
    return this.#byId.get(id)
  }

  all(): Iterable<SentRecord> {
    return this.#byId.values()
  }
}

/** Start and end of a partition as told to clients. */
export interface Ends {
  readonly start: number
  readonly highWatermark: number
}

/** What was known when a partition was read. */
interface Verified {
  readonly highWatermark: number
  /** From before the read. */
  readonly knownEnd: number
  /** Too few replicas are in sync: acknowledged records with acks=1 may be above the high watermark. */
  readonly isHeld: boolean
  readonly nowMs: number
}

/** All responses about a partition that clients got: later responses must not contradict them. */
export class PartitionHistory {
  readonly name: string
  readonly topic: TopicHistory
  readonly index: number
  readonly sent = new SentRecords()
  readonly reader = new BatchReader()
  /** When records were last sent, by id. */
  readonly #sentAtMs = new Map<string, number>()
  /** Records whose requests named an earlier topic of the name. */
  #late: ReadonlyMap<string, SentRecord> = new Map()
  /** A time index is damaged: retention may take its records for younger than they are, as in Kafka. */
  hasDamagedTimes = false
  /** A power loss flipped bits of leader epochs, which no checksum covers: where epochs end may be wrong, as in Kafka. */
  hasDamagedEpochs = false
  /** Number of power losses in which the partition may have lost unsynced records. */
  losses = 0
  /**
   * Batches below it may have been unsynced in a power loss, acknowledged or not: what no checksum covers may be wrong.
   * Infinity: not known before the next audit.
   */
  tornBefore = 0
  /** Acknowledged or read records by offset. */
  readonly #known = new Map<number, Known>()
  readonly #places = new Map<string, number>()
  /** Records refused as duplicates. */
  #required: SentRecord[] = []
  #highWatermark = 0
  #start = 0
  /** Log start offset after acknowledged deletions, and the highest possible one if unacknowledged deletions took effect. */
  #promisedStart = 0
  #allowedStart = 0
  #mayHaveLost = false

  constructor(topic: TopicHistory, index: number) {
    this.topic = topic
    this.index = index
    this.name = `${topic.plan.name}-${index}`
  }

  get start(): number {
    return this.#start
  }

  /** After a power loss, and until the partition was read as a whole: unsynced records may be gone. */
  get mayHaveLost(): boolean {
    return this.#mayHaveLost
  }

  /** End of the records known to exist. */
  get knownEnd(): number {
    return Math.max(0, ...this.#known.keys()) + (this.#known.size > 0 ? 1 : 0)
  }

  /** A client sends the records, perhaps again. */
  sending(records: readonly SentRecord[], nowMs: number): void {
    for (const { id } of records) this.#sentAtMs.set(id, nowMs)
  }

  /** Requests to an earlier topic of the name may still arrive: those that name it append to this one, as in Kafka. */
  mayGet(earlier: PartitionHistory, nowMs: number): void {
    const isUnderWay = ({ id }: SentRecord) => (earlier.#sentAtMs.get(id) ?? 0) >= nowMs - MAX_IN_FLIGHT_MS
    const late = [...earlier.sent.all()].filter(isUnderWay)
    this.#late = new Map(late.map((record) => [record.id, record]))
  }

  placeOf(id: string): number | undefined {
    return this.#places.get(id)
  }

  acknowledged(baseOffset: number, records: readonly SentRecord[]): void {
    records.forEach(({ id }, i) => {
      this.#place(id, baseOffset + i)
    })
  }

  /** The broker reports these records as duplicates. */
  mustContain(records: readonly SentRecord[]): void {
    this.#required.push(...records)
  }

  /** A record was read: it must equal the sent one and keep its offset. */
  found(record: ReadRecord): void {
    const late = this.#late.get(record.id)
    if (late !== undefined) this.sent.add([late])
    const sent = this.sent.get(record.id)
    check(sent !== undefined, `${this.name}: nobody sent ${record.id}, which is at ${record.offset}`)
    check(
      sent.key === record.key && sent.value === record.value,
      `${this.name}: ${record.id} became ${record.key}: ${record.value}`,
    )
    check(
      this.topic.plan.isLogAppendTime || sent.timestampMs === record.timestampMs,
      `${this.name}: the timestamp of ${record.id} became ${record.timestampMs}`,
    )
    this.#place(record.id, record.offset)
  }

  #place(id: string, offset: number): void {
    if (this.#mayHaveLost) this.#noteLoss(id, offset)
    const before = this.#known.get(offset)
    check(before === undefined || before.id === id, `${this.name}: ${offset} held ${before?.id}, and now ${id}`)
    if (before !== undefined) return
    // A deleted record may be appended again: an unclean stop loses the producer state of deleted batches, as in Kafka.
    const place = this.#places.get(id) ?? -1
    const isForgotten = place < this.#start
    check(isForgotten, `${this.name}: ${id} is at ${place} and at ${offset}`)
    this.#places.set(id, offset)
    this.#known.set(offset, { id, certainty: this.topic.plan.isSynced ? 'synced' : 'written' })
  }

  /**
   * After a power loss and before the next audit: another record at this offset, or the record at another offset, shows
   * that those from the lower one on were lost. With one broker the audit comes first.
   */
  #noteLoss(id: string, offset: number): void {
    const before = this.#known.get(offset)
    const place = this.#places.get(id) ?? offset
    // A record may be at two offsets: retention forgot its producer, and a power loss took the removal back.
    if (before?.id === id || (before === undefined && place === offset)) return
    if (place < offset && place < this.#start) return
    for (const [lost, { id: lostId, certainty }] of this.#known) {
      if (lost < Math.min(place, offset)) continue
      check(certainty === 'written', `${this.name}: ${lostId} at ${lost} was synced, but ${offset} holds ${id}`)
      this.#known.delete(lost)
      this.#places.delete(lostId)
    }
  }

  /** Highest start and end in responses so far. A later request must not get lower ones. */
  get ends(): Ends {
    return { start: this.#start, highWatermark: this.#highWatermark }
  }

  /** A request sent at that time got this high watermark: it must not fall. */
  sawHighWatermark(highWatermark: number, before: Ends): void {
    check(
      highWatermark >= before.highWatermark,
      `${this.name}: the high watermark fell from ${before.highWatermark} to ${highWatermark}`,
    )
    this.#highWatermark = Math.max(this.#highWatermark, highWatermark)
  }

  /**
   * A response had this log start offset. It must not fall, and may rise only if records were deleted or retention
   * removed them. True: by retention. `before`: `ends` when the request was sent.
   */
  sawStart(start: number, before: Ends, nowMs: number): boolean {
    check(start >= before.start, `${this.name}: the start fell from ${before.start} to ${start}`)
    const { isRetained, keptMs } = this.topic.plan
    check(isRetained || start <= this.#allowedStart, `${this.name}: the start rose to ${start}, which nobody asked for`)
    for (let offset = Math.max(this.#start, this.#allowedStart); keptMs !== undefined && offset < start; offset++) {
      const id = this.#known.get(offset)?.id
      const record = id === undefined || this.topic.plan.isLogAppendTime ? undefined : this.sent.get(id)
      const ageMs = record === undefined ? Number.POSITIVE_INFINITY : nowMs - record.timestampMs
      check(ageMs >= keptMs, `${this.name}: ${id} went at the age of ${ageMs} ms`)
    }
    const isRetention = start > Math.max(this.#start, this.#allowedStart)
    this.#start = Math.max(this.#start, start)
    return isRetention
  }

  /** A client requests the deletion of records before the offset. */
  mayBeDeletedBefore(offset: number): void {
    this.#allowedStart = Math.max(this.#allowedStart, offset)
  }

  /** ... and the request was acknowledged. */
  deletedBefore(offset: number): void {
    this.#promisedStart = Math.max(this.#promisedStart, offset)
    this.#start = Math.max(this.#start, offset)
  }

  /** All known records are on the disk. */
  synced(): void {
    // What was lost is not known before the next audit.
    if (this.#mayHaveLost) return
    for (const known of this.#known.values()) known.certainty = 'synced'
  }

  /** The broker has ended: unacknowledged deletions may be undone. */
  ended(): void {
    this.#start = this.#promisedStart
  }

  /** Unsynced records may be lost and retention undone. */
  lostPower(): void {
    this.tornBefore = Number.POSITIVE_INFINITY
    if (![...this.#known.values()].some(({ certainty }) => certainty === 'written') && this.topic.plan.isSynced) return
    this.#mayHaveLost = true
    this.#highWatermark = 0
    this.losses++
  }

  /** Checks the whole content, read from the log start offset to the high watermark. `knownEnd` is from before the read. */
  verify(batches: readonly ReadBatch[], at: Verified): void {
    const { highWatermark, knownEnd, isHeld } = at
    if (!isHeld) this.tornBefore = Math.min(this.tornBefore, highWatermark)
    if (this.#mayHaveLost && !isHeld) this.#forgetBehind(highWatermark)
    else check(isHeld || knownEnd <= highWatermark, `${this.name}: ends at ${highWatermark}, but ${knownEnd} was known`)
    const found = new Set(batches.flatMap(({ records }) => records.map(({ offset }) => offset)))
    for (const [offset, { id }] of this.#known) {
      if (this.topic.plan.isCompacted || offset < this.#start || offset >= highWatermark) continue
      check(found.has(offset), `${this.name}: ${id} is missing at ${offset}`)
    }
    if (this.topic.plan.isCompacted) this.#verifyLatest(found, at)
    this.#verifyRequired()
  }

  #forgetBehind(end: number): void {
    for (const [offset, { id, certainty }] of this.#known) {
      if (offset < end) continue
      check(certainty === 'written', `${this.name}: ${id} at ${offset} was synced, but the log ends at ${end}`)
      this.#known.delete(offset)
      this.#places.delete(id)
    }
    this.#required = []
    this.#mayHaveLost = false
  }

  /** Compaction keeps the last value of each key, unless it is a tombstone. */
  #verifyLatest(found: ReadonlySet<number>, { highWatermark, nowMs }: { highWatermark: number; nowMs: number }): void {
    // A record that no client has seen may have replaced others: a tombstone already removed, or a record in flight.
    const unseen = new Set<string>()
    for (const { id, key, value, timestampMs } of this.sent.all()) {
      const mayBeLatest = value === null || nowMs - timestampMs < MAX_IN_FLIGHT_MS
      if (mayBeLatest && !this.#places.has(id)) unseen.add(key)
    }
    const latest = new Map<string, number>()
    for (const offset of [...this.#known.keys()].sort((a, b) => a - b)) {
      if (offset >= this.#start) latest.set(this.sent.get(this.#known.get(offset)!.id)!.key, offset)
    }
    for (const [key, offset] of latest) {
      const record = this.sent.get(this.#known.get(offset)!.id)!
      const isThere = found.has(offset) || offset >= highWatermark || record.value === null || unseen.has(key)
      check(isThere, `${this.name}: ${record.id}, the last of ${key}, is gone from ${offset}`)
    }
  }

  #verifyRequired(): void {
    if (this.topic.plan.isCompacted || this.#start > 0) return
    for (const { id } of this.#required.splice(0)) {
      check(this.#places.has(id), `${this.name}: ${id} was refused as one that is there, and it is not`)
    }
  }
}

/** A topic from its creation to its deletion. */
export class TopicHistory {
  readonly plan: TopicPlan
  readonly id: string
  readonly partitions: readonly PartitionHistory[]
  /** Its deletion is in progress: responses about it prove nothing. */
  isBeingDeleted = false
  /** It is deleted. */
  isDeleted = false
  /** Its files are damaged: only its deletion must still work. */
  isDamaged = false
  /** A deletion failed but may take effect at the next start. */
  mayBeDeleted = false

  constructor(plan: TopicPlan, id: string) {
    this.plan = plan
    this.id = id
    this.partitions = Array.from({ length: plan.partitionCount }, (_, index) => new PartitionHistory(this, index))
  }

  /** Whether requests for it may fail from now on. */
  get isLost(): boolean {
    return this.isDeleted || this.isDamaged
  }

  get isAlive(): boolean {
    return !this.isBeingDeleted && !this.isLost
  }
}
