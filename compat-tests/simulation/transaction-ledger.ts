import type { PartitionHistory } from './broker-model.ts'
import { check } from './storage-model.ts'

export interface Producer {
  readonly producerId: number
  readonly producerEpoch: number
}

/** A producer with a transactional id, from its start to its end. There may be several of one id. */
export interface Instance {
  readonly transactionalId: string
  readonly name: string
  /** As it was answered last; undefined: it has none yet. */
  producer: Producer | undefined
  /** Another one has asked for a producer id since, or this one has and was not answered. */
  mayBeFenced: boolean
  /** Its request for a producer id is under way, or was lost and may still be carried out. */
  isAsking: boolean
  /** Another one has got a higher epoch since. */
  isFenced: boolean
}

/** A record of a transaction, or of none. */
export interface WrittenRecord {
  /** Never used twice. */
  readonly id: string
  /** What a copy is made of and where; used again by each attempt to copy it. Undefined: no copy. */
  readonly copyOf: string | undefined
  readonly partition: PartitionHistory
  /** Undefined: in none. */
  readonly transaction: TransactionAttempt | undefined
}

/**
 * How a transaction ends, as its client knows. commit sent: without an answer that counts. refused: its commit was refused,
 * and is not under way.
 */
type End = 'open' | 'commit sent' | 'committed' | 'aborted' | 'refused'

/** A transaction as its client sees it. */
export interface TransactionAttempt {
  readonly number: number
  readonly instance: Instance
  readonly producer: Producer
  readonly startedMs: number
  readonly records: WrittenRecord[]
  /** Offsets that it commits, by input partition. */
  readonly offsets: Map<number, number>
  /** False: it writes to topics that are deleted, or whose records are. */
  isWhole: boolean
  end: End
}

/** What all clients know of transactions, to check that what they read fits. */
export class TransactionLedger {
  readonly counts = { committed: 0, aborted: 0, refusedEnds: 0, unansweredCommitted: 0, unansweredAborted: 0 }
  readonly #attempts: TransactionAttempt[] = []
  readonly #records = new Map<string, WrittenRecord>()
  readonly #instances = new Map<string, Instance[]>()
  /** Who has got an id and epoch. */
  readonly #given = new Map<string, Instance>()
  /** Transactional id of each producer id; null: of a producer without one. */
  readonly #owners = new Map<number, string | null>()
  /** Highest epoch of each producer id that was answered. */
  readonly #epochs = new Map<number, number>()
  /** Offsets committed by transactional id and input partition. */
  readonly #offsets = new Map<string, Map<number, number>>()

  /** Highest epoch of each producer id that was answered. */
  get epochs(): ReadonlyMap<number, number> {
    return new Map(this.#epochs)
  }

  attempts(): readonly TransactionAttempt[] {
    return this.#attempts
  }

  records(): Iterable<WrittenRecord> {
    return this.#records.values()
  }

  recordOf(id: string): WrittenRecord {
    const record = this.#records.get(id)
    check(record !== undefined, `nobody sent ${id}`)
    return record
  }

  // Producer ids and epochs.

  newInstance(transactionalId: string, name: string): Instance {
    const known = this.#instances.get(transactionalId) ?? []
    const mayBeFenced = known.some(({ isAsking }) => isAsking)
    const instance = { transactionalId, name, producer: undefined, mayBeFenced, isAsking: false, isFenced: false }
    this.#instances.set(transactionalId, [...known, instance])
    return instance
  }

  /** The instance forgets what it was, and will be whatever it is told. */
  beginsAnew(instance: Instance): void {
    instance.producer = undefined
    instance.isFenced = false
  }

  /** The instance asks for a producer id. Returns the epochs that its answer must exceed. */
  asks(instance: Instance): ReadonlyMap<number, number> {
    for (const other of this.#instances.get(instance.transactionalId)!) if (other !== instance) other.mayBeFenced = true
    instance.isAsking = true
    return this.epochs
  }

  /** ... and got one. known: as asks returned it. mayBeRepeated: the answer may be that to the request before. */
  given(instance: Instance, producer: Producer, known: ReadonlyMap<number, number>): void {
    const { transactionalId, name } = instance
    const { producerId, producerEpoch } = producer
    const text = `producer ${producerId} with epoch ${producerEpoch}`
    const owner = this.#owners.get(producerId) ?? transactionalId
    check(owner === transactionalId, `${name} is ${text}, which is that of ${owner}`)
    const before = this.#given.get(`${producerId} ${producerEpoch}`) ?? instance
    check(before === instance, `${name} is ${text}, as ${before.name} is`)
    const isOwn = instance.producer?.producerId === producerId && instance.producer.producerEpoch === producerEpoch
    const last = known.get(producerId) ?? -1
    check(isOwn || producerEpoch > last, `${name} is ${text}, and ${last} was given`)
    this.#owners.set(producerId, transactionalId)
    this.#given.set(`${producerId} ${producerEpoch}`, instance)
    this.#epochs.set(producerId, Math.max(producerEpoch, this.#epochs.get(producerId) ?? -1))
    instance.producer = producer
    for (const other of this.#instances.get(transactionalId)!) {
      const isOlder = other.producer?.producerId === producerId && other.producer.producerEpoch < producerEpoch
      if (other !== instance && isOlder) other.isFenced = true
    }
  }

  /** A producer without a transactional id got one. */
  givenToAnyone(producerId: number, name: string): void {
    check(!this.#owners.has(producerId), `${name} is producer ${producerId}, which was given before`)
    this.#owners.set(producerId, null)
  }

  // Transactions.

  begin(instance: Instance, startedMs: number): TransactionAttempt {
    const attempt: TransactionAttempt = {
      number: this.#attempts.length,
      instance,
      producer: instance.producer!,
      startedMs,
      records: [],
      offsets: new Map(),
      isWhole: true,
      end: 'open',
    }
    this.#attempts.push(attempt)
    return attempt
  }

  /** A record that will be sent. */
  write(partition: PartitionHistory, transaction?: TransactionAttempt, copyOf?: string): WrittenRecord {
    const record = { id: `r${this.#records.size}`, copyOf, partition, transaction }
    this.#records.set(record.id, record)
    transaction?.records.push(record)
    return record
  }

  commits(attempt: TransactionAttempt): void {
    if (attempt.end === 'open') attempt.end = 'commit sent'
  }

  committed(attempt: TransactionAttempt): void {
    const { end } = attempt
    check(
      end === 'commit sent' || end === 'committed',
      `${nameOf(attempt)}: a commit is acknowledged, and it is ${end}`,
    )
    if (end === 'commit sent') this.#applyOffsets(attempt)
    attempt.end = 'committed'
    this.counts.committed++
  }

  aborted(attempt: TransactionAttempt): void {
    check(attempt.end === 'open', `${nameOf(attempt)}: an abort is acknowledged, and it is ${attempt.end}`)
    attempt.end = 'aborted'
    this.counts.aborted++
  }

  /** Its commit was refused. isCertain: no request for it can have been carried out. */
  refused(attempt: TransactionAttempt, isCertain: boolean): void {
    this.counts.refusedEnds++
    if (attempt.end === 'commit sent' && isCertain) attempt.end = 'refused'
  }

  #applyOffsets({ instance, offsets }: TransactionAttempt): void {
    const known = this.offsetsOf(instance.transactionalId)
    this.#offsets.set(instance.transactionalId, new Map([...known, ...offsets]))
  }

  /** Offsets committed by transactions whose end is known. */
  offsetsOf(transactionalId: string): ReadonlyMap<number, number> {
    return this.#offsets.get(transactionalId) ?? new Map()
  }

  /** Transactions of the id that may have been committed. */
  unresolved(transactionalId: string): readonly TransactionAttempt[] {
    return this.#attempts.filter(
      ({ instance, end }) => instance.transactionalId === transactionalId && end === 'commit sent',
    )
  }

  /**
   * All offsets of a group were read with nothing pending, and nobody else can commit. They tell how a transaction has
   * ended whose client does not know. unresolved: when they were asked for.
   */
  sawOffsets(
    transactionalId: string,
    offsets: ReadonlyMap<number, number>,
    unresolved: readonly TransactionAttempt[],
  ): void {
    for (const attempt of unresolved) {
      if (attempt.end !== 'commit sent' || attempt.offsets.size === 0) continue
      const isCommitted = [...attempt.offsets].every(([partition, offset]) => offsets.get(partition) === offset)
      attempt.end = isCommitted ? 'committed' : 'refused'
      if (isCommitted) this.#applyOffsets(attempt)
      if (isCommitted) this.counts.unansweredCommitted++
      else this.counts.unansweredAborted++
    }
    const known = this.offsetsOf(transactionalId)
    for (const [partition, offset] of offsets) {
      const committed = known.get(partition) ?? 0
      const place = `${transactionalId}, input partition ${partition}`
      check(offset === committed, `${place}: ${offset} is committed, and it should be ${committed}`)
    }
  }

  /** Offsets of a group were read while transactions may be committed. known: as offsetsOf when they were asked for. */
  sawLaterOffsets(
    transactionalId: string,
    offsets: ReadonlyMap<number, number>,
    known: ReadonlyMap<number, number>,
  ): void {
    for (const [partition, offset] of offsets) {
      const least = known.get(partition) ?? 0
      const place = `${transactionalId}, input partition ${partition}`
      check(offset >= least, `${place}: ${offset} is committed, and ${least} was acknowledged`)
    }
  }

  // Reading.

  /** A read_committed consumer has read a record. */
  sawCommitted({ id, partition, transaction }: WrittenRecord, offset: number): void {
    if (transaction === undefined) return
    const { end } = transaction
    const place = `${partition.name}: ${id} at ${offset} of ${nameOf(transaction)}`
    check(end === 'commit sent' || end === 'committed', `${place} is read as committed, and it is ${end}`)
  }

  /** A read_committed consumer has left out a record. */
  sawAborted({ id, partition, transaction }: WrittenRecord, offset: number): void {
    check(transaction !== undefined, `${partition.name}: ${id} at ${offset} is aborted, and it is in no transaction`)
    const place = `${partition.name}: ${id} at ${offset} of ${nameOf(transaction)}`
    check(transaction.end !== 'committed', `${place} is aborted, and its commit was acknowledged`)
  }

  /** A record of a producer has this id and epoch in the log. */
  checkProducer({ id, partition, transaction }: WrittenRecord, { producerId, producerEpoch }: Producer): void {
    if (transaction === undefined) return
    const { producer } = transaction
    const isSame = producer.producerId === producerId && producer.producerEpoch === producerEpoch
    check(isSame, `${partition.name}: ${id} of ${nameOf(transaction)} is of ${producerId} with epoch ${producerEpoch}`)
  }
}

export function nameOf({ number, instance, producer }: TransactionAttempt): string {
  return `transaction ${number} (${instance.name}, producer ${producer.producerId}, epoch ${producer.producerEpoch})`
}
