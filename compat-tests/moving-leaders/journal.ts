/** A record in a partition's log. */
export interface LoggedRecord {
  readonly offset: number
  readonly key: string
  readonly number: number
}

/** Records of each partition, in the order of the log. */
export type TopicLog = readonly (readonly LoggedRecord[])[]

/** What a group has read of a partition. */
interface Progress {
  /** Number of each record that was read, by offset. */
  readonly numbers: (number | undefined)[]
  /** All records below this offset were read. */
  readUpTo: number
  /** Last committed position that was answered. */
  committed: number
}

interface Acknowledged {
  readonly partition: number
  readonly offset: number
  readonly key: string
}

/** Offset that a member reads next; undefined: it has just got the partition. */
type Position = { next: number | undefined }

/** More failures of one client would say the same. */
const FAILURES_ENOUGH = 20

/** What a client’s program printed (see ClientProcess), checked line by line, and against the log at the end. */
export class Journal {
  readonly failures: string[] = []
  /** Number of records that the producer sent; undefined while it sends. */
  produced: number | undefined
  /** Records that a group read again, because its partitions were assigned anew. */
  readAgain = 0
  /** Commits that were refused because the group rebalanced, or that the client gave up. */
  uncommitted = 0
  /** Assignments in all groups. */
  assignments = 0
  /** Errors that the client retried and told nevertheless. */
  notes = 0
  /** Longest times between two acknowledgements, and between two records of a group. */
  longestMs = { acked: 0, read: 0 }
  readonly #acked = new Map<number, Acknowledged>()
  readonly #groups: ReadonlyMap<string, Progress[]>
  readonly #positions = new Map<string, Map<number, Position>>()
  readonly #lastMs = new Map<string, number>()

  constructor(groups: readonly string[]) {
    this.#groups = new Map(groups.map((group) => [group, []]))
  }

  /** Number of acknowledged records. */
  get acked(): number {
    return this.#acked.size
  }

  get groups(): readonly string[] {
    return [...this.#groups.keys()]
  }

  /** Number of records that a group has read, each counted once. */
  read(group: string): number {
    return this.#groups.get(group)!.reduce((sum, { numbers }) => sum + Object.keys(numbers).length, 0)
  }

  /** The last committed position in each partition that was answered, 0 if none. */
  committed(group: string): number[] {
    return Array.from(this.#groups.get(group)!, (progress) => progress?.committed ?? 0)
  }

  /** True once each group has read all records of the log and has committed that, as far as the client tells. */
  hasDrained(log: TopicLog): boolean {
    return this.groups.every((group) =>
      log.every(({ length }, partition) => {
        const { readUpTo, committed } = this.#progress(group, partition)
        return readUpTo === length && (committed === length || committed === 0)
      }),
    )
  }

  /** What a group has read of each partition, for messages. */
  describe(group: string): string {
    return [...this.#groups.get(group)!]
      .map((each, partition) => `${partition}: read ${each?.readUpTo}, committed ${each?.committed}`)
      .join('; ')
  }

  write(line: string, nowMs: number): void {
    const [what, ...words] = line.split(' ')
    if (what === 'acked') this.#onAcked(words, nowMs)
    else if (what === 'read') this.#onRead(words, nowMs)
    else if (what === 'committed') this.#onCommitted(words)
    else if (what === 'assigned') this.#onAssigned(words)
    else if (what === 'revoked') this.#onRevoked(words)
    else if (what === 'produced') this.produced = Number(words[0])
    else if (what === 'uncommitted') this.uncommitted++
    else if (what === 'note') this.notes++
    else this.#fail(line)
  }

  /** Adds what is wrong with the log, and what was lost on the way to it and from it. */
  compare(log: TopicLog): void {
    for (const [partition, records] of log.entries()) this.#checkPartition(partition, records)
    this.#checkNumbers(log)
    for (const [number, { partition, offset, key }] of this.#acked) {
      const stored = log[partition]?.[offset]
      if (stored?.number !== number || stored.key !== key)
        this.#fail(`record ${number} was acknowledged at ${partition}:${offset}, where the log has ${shown(stored)}`)
    }
    if (this.acked !== this.produced) this.#fail(`${this.produced} records were sent, ${this.acked} acknowledged`)
    for (const group of this.groups)
      for (const [index, records] of log.entries()) this.#checkRead(group, index, records)
  }

  #checkPartition(partition: number, records: readonly LoggedRecord[]): void {
    const last = new Map<string, number>()
    for (const [index, { offset, key, number }] of records.entries()) {
      if (offset !== index) this.#fail(`the log has ${partition}:${offset} where ${index} should be`)
      const before = last.get(key)
      if (before !== undefined && before > number)
        this.#fail(`${key} is out of order at ${partition}:${offset}: ${number} after ${before}`)
      last.set(key, number)
    }
  }

  /** An idempotent producer writes each record once. */
  #checkNumbers(log: TopicLog): void {
    const places = new Map<number, string>()
    for (const [partition, records] of log.entries())
      for (const { offset, number } of records) {
        const place = `${partition}:${offset}`
        const other = places.get(number)
        if (other !== undefined) this.#fail(`record ${number} is in the log twice, at ${other} and ${place}`)
        places.set(number, place)
      }
  }

  #checkRead(group: string, partition: number, records: readonly LoggedRecord[]): void {
    const { numbers } = this.#progress(group, partition)
    for (const { offset, number } of records)
      if (numbers[offset] !== number)
        this.#fail(
          `${group} read ${numbers[offset] ?? 'nothing'} at ${partition}:${offset}, where the log has ${number}`,
        )
    if (numbers.length > records.length)
      this.#fail(`${group} read ${numbers.length} of ${records.length} in ${partition}`)
  }

  #onAcked(words: readonly string[], nowMs: number): void {
    const [partition, offset, key, number] = words as [string, string, string, string]
    this.#passed('acked', 'producer', nowMs)
    if (this.#acked.has(Number(number))) this.#fail(`record ${number} was acknowledged twice`)
    this.#acked.set(Number(number), { partition: Number(partition), offset: Number(offset), key })
  }

  #onAssigned(words: readonly string[]): void {
    this.assignments++
    const positions = this.#positionsOf(words)
    for (const partition of partitionsIn(words)) positions.set(partition, { next: undefined })
  }

  #onRevoked(words: readonly string[]): void {
    const positions = this.#positionsOf(words)
    for (const partition of partitionsIn(words)) positions.delete(partition)
  }

  #onRead(words: readonly string[], nowMs: number): void {
    const [group, member] = words as [string, string]
    const [partition, offset, , number] = [...words.slice(2, 4).map(Number), 0, Number(words[5])] as [
      number,
      number,
      number,
      number,
    ]
    this.#passed('read', group, nowMs)
    const progress = this.#progress(group, partition)
    const where = `${group} ${member} read ${partition}:${offset}`
    const position = this.#positionsOf(words).get(partition)
    if (position === undefined) this.#fail(`${where} without the partition`)
    else if (position.next !== undefined && position.next !== offset) this.#fail(`${where} after ${position.next - 1}`)
    else if (position.next === undefined && offset < progress.committed)
      this.#fail(`${where} first, although ${progress.committed} was committed`)
    if (offset > progress.readUpTo) this.#fail(`${where} before ${progress.readUpTo} was read`)
    if (position !== undefined) position.next = offset + 1
    const known = progress.numbers[offset]
    if (known !== undefined) this.readAgain++
    if (known !== undefined && known !== number) this.#fail(`${where} as ${number}, and as ${known} before`)
    progress.numbers[offset] = number
    while (progress.numbers[progress.readUpTo] !== undefined) progress.readUpTo++
  }

  #onCommitted(words: readonly string[]): void {
    const [group, member, partition, offset] = words as [string, string, string, string]
    const progress = this.#progress(group, Number(partition))
    const where = `${group} ${member} committed ${partition}:${offset}`
    if (Number(offset) > progress.readUpTo)
      this.#fail(`${where}, but only records below ${progress.readUpTo} were read`)
    if (Number(offset) < progress.committed) this.#fail(`${where} after ${progress.committed}`)
    progress.committed = Number(offset)
  }

  #progress(group: string, partition: number): Progress {
    const partitions = this.#groups.get(group)
    if (partitions === undefined) throw new Error(`there is no group ${group}`)
    partitions[partition] ??= { numbers: [], readUpTo: 0, committed: 0 }
    return partitions[partition]
  }

  #positionsOf([group, member]: readonly string[]): Map<number, Position> {
    const name = `${group} ${member}`
    const known = this.#positions.get(name)
    if (known !== undefined) return known
    const positions = new Map<number, Position>()
    this.#positions.set(name, positions)
    return positions
  }

  #passed(what: 'acked' | 'read', of: string, nowMs: number): void {
    const lastMs = this.#lastMs.get(of) ?? nowMs
    this.longestMs[what] = Math.max(this.longestMs[what], Math.round(nowMs - lastMs))
    this.#lastMs.set(of, nowMs)
  }

  #fail(what: string): void {
    if (this.failures.length < FAILURES_ENOUGH) this.failures.push(what)
  }
}

function partitionsIn([, , ...partitions]: readonly string[]): number[] {
  return partitions.map(Number)
}

function shown(record: LoggedRecord | undefined): string {
  return record === undefined ? 'nothing' : `record ${record.number} of ${record.key}`
}
