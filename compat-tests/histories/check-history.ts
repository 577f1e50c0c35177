import { findCycle } from './cycles.ts'
import { type History, polledBy, type ReadRecord, type SentRecord, sentBy, type Transaction } from './history.ts'

/** Committed records of each partition, in order of their offsets, when all transactions have ended. */
export type CommittedLog = readonly (readonly ReadRecord[])[]

/**
 * What is wrong with a history, in the way of Jepsen's workload for Kafka; empty if nothing is. docs/proofs.md says what
 * each check finds.
 */
export function checkHistory(history: History, log: CommittedLog): string[] {
  const facts = new Facts(history, log)
  return [
    ...facts.duplicates(),
    ...history.flatMap((each) => [...facts.writes(each), ...facts.reads(each)]),
    ...facts.fencing(),
    ...facts.polls(),
    ...facts.sends(),
    ...facts.cycles(),
  ]
}

class Facts {
  readonly #history: History
  readonly #log: CommittedLog
  /** By value. */
  readonly #writers: ReadonlyMap<string, Transaction>
  /** By value; the first, if there are more. */
  readonly #committed = new Map<string, ReadRecord>()

  constructor(history: History, log: CommittedLog) {
    this.#history = history
    this.#log = log
    this.#writers = new Map(history.flatMap((each) => sentBy(each).map(({ value }) => [value, each])))
    for (const record of log.flat()) if (!this.#committed.has(record.value)) this.#committed.set(record.value, record)
  }

  duplicates(): string[] {
    return this.#log
      .flat()
      .filter((record) => this.#committed.get(record.value) !== record)
      .map((record) => `duplicate write: ${tell(record)} is also ${tell(this.#committed.get(record.value)!)}`)
  }

  /** Whether the log has the records of the transaction, all of them or none. */
  writes(transaction: Transaction): string[] {
    const sent = sentBy(transaction)
    const visible = sent.filter(({ value }) => this.#committed.has(value))
    const missing = sent.filter(({ value }) => !this.#committed.has(value))
    const failures = visible.flatMap((each) => this.#misplaced(each, transaction))
    const by = name(transaction)
    switch (transaction.outcome) {
      case 'committed':
        return [...failures, ...missing.map(({ value }) => `lost write: ${value} of ${by}`)]
      case 'aborted':
        return [...failures, ...visible.map(({ value }) => `aborted write is in the log: ${value} of ${by}`)]
      case 'unknown': {
        const isTorn = visible.length > 0 && missing.length > 0
        const values = (records: readonly SentRecord[]) => records.map(({ value }) => value).join(' ')
        return isTorn ? [...failures, `torn write: ${by} has ${values(visible)}, not ${values(missing)}`] : failures
      }
    }
  }

  #misplaced({ partition, offset, value }: SentRecord, transaction: Transaction): string[] {
    const found = this.#committed.get(value)!
    if (found.partition === partition && found.offset === (offset ?? found.offset)) return []
    return [`misplaced write: ${tell(found)} was acknowledged as ${partition}@${offset} to ${name(transaction)}`]
  }

  /** Whether all that it read is committed. */
  reads(transaction: Transaction): string[] {
    return polledBy(transaction).flatMap((record) => {
      const writer = this.#writers.get(record.value)
      const read = `${tell(record)} by ${name(transaction)}`
      if (writer === undefined) return [`read what nobody wrote: ${read}`]
      if (writer === transaction) return [`read its own write before the end: ${read}`]
      if (writer.outcome === 'aborted') return [`aborted read: ${read}, written by ${name(writer)}`]
      const found = this.#committed.get(record.value)
      if (found === undefined) return [`read what is not committed: ${read}, written by ${name(writer)}`]
      const isThere = found.partition === record.partition && found.offset === record.offset
      return isThere ? [] : [`inconsistent offset: ${read} is ${tell(found)}`]
    })
  }

  /** Whether producers committed only what they began before another one with their transactional id was ready. */
  fencing(): string[] {
    const processes = new Set(this.#history.map(({ process }) => process))
    const byId = grouped([...processes], ({ transactionalId }) => transactionalId)
    return this.#history
      .filter(({ outcome }) => outcome === 'committed')
      .flatMap((transaction) => {
        const { process, startMs } = transaction
        const next = byId
          .get(process.transactionalId)!
          .find(({ readyMs }) => readyMs > process.readyMs && readyMs < startMs)
        return next === undefined
          ? []
          : [`commit of a fenced producer: ${name(transaction)} after ${next.name} was ready`]
      })
  }

  /** Whether each process read each partition forwards and without gaps, from its beginning. */
  polls(): string[] {
    const failures: string[] = []
    for (const [process, transactions] of grouped(this.#history, (each) => each.process)) {
      const polled = inOrder(transactions).flatMap(polledBy)
      for (const [partition, records] of grouped(polled, (each) => each.partition)) {
        const offsets = (this.#log[partition] ?? []).map(({ offset }) => offset)
        failures.push(...gaps(records, offsets).map((gap) => `${gap} by ${process.name}`))
      }
    }
    return failures
  }

  /** Whether records got offsets in the order in which they were sent. */
  sends(): string[] {
    const acknowledged = this.#history.flatMap((transaction) =>
      sentBy(transaction).flatMap(({ partition, offset, value }) =>
        offset === undefined ? [] : [{ partition, offset, value, transaction }],
      ),
    )
    const byPartition = grouped(acknowledged, ({ partition }) => partition)
    return [...byPartition.values()].flatMap((each) => [...reorderedWithin(each), ...reorderedBetween(each)])
  }

  /** Whether transactions can be put in an order in which each comes after what it read and what had ended before it. */
  cycles(): string[] {
    const reads = new Map<Transaction, ReadonlySet<Transaction>>()
    for (const transaction of this.#history) {
      const writers = polledBy(transaction).map(({ value }) => this.#writers.get(value))
      reads.set(transaction, new Set(writers.filter((each) => each !== undefined)))
    }
    const cycle = findCycle(this.#history, (each) => reads.get(each)!)
    return cycle === undefined ? [] : [`cycle: ${cycle.map(name).join(' before ')}`]
  }
}

/** Failures of reading these records of a partition in this order, given the offsets of all that are committed. */
function gaps(records: readonly ReadRecord[], committed: readonly number[]): string[] {
  const indexes = new Map(committed.map((offset, index) => [offset, index]))
  const failures: string[] = []
  let next = 0
  for (const record of records) {
    const index = indexes.get(record.offset)
    if (index === undefined) continue // not committed: said elsewhere
    const at = `${record.partition}@${committed[next] ?? 'end'}`
    if (index < next) failures.push(`non-monotonic poll: ${tell(record)} instead of ${at}`)
    if (index > next) failures.push(`skipped poll: ${tell(record)} instead of ${at}`)
    next = index + 1
  }
  return failures
}

interface AcknowledgedRecord extends ReadRecord {
  readonly transaction: Transaction
}

/** Failures of records of one partition within their transactions. */
function reorderedWithin(records: readonly AcknowledgedRecord[]): string[] {
  return records.flatMap((record, index) => {
    const before = records[index - 1]
    const isReordered = before?.transaction === record.transaction && before.offset >= record.offset
    return isReordered
      ? [`non-monotonic send: ${tell(record)} after ${tell(before)} by ${name(record.transaction)}`]
      : []
  })
}

/** Failures of records of one partition that were sent after others had been acknowledged, and the transaction ended. */
function reorderedBetween(records: readonly AcknowledgedRecord[]): string[] {
  const ended = records.filter(({ transaction }) => transaction.endMs !== undefined)
  const byEnd = ended.toSorted((a, b) => a.transaction.endMs! - b.transaction.endMs!)
  const byStart = records.toSorted((a, b) => a.transaction.startMs - b.transaction.startMs)
  const failures: string[] = []
  let highest: AcknowledgedRecord | undefined
  let passed = 0
  for (const record of byStart) {
    for (; passed < byEnd.length && byEnd[passed]!.transaction.endMs! < record.transaction.startMs; passed++)
      if (highest === undefined || byEnd[passed]!.offset > highest.offset) highest = byEnd[passed]
    if (highest !== undefined && record.offset < highest.offset)
      failures.push(
        `non-monotonic send: ${tell(record)} by ${name(record.transaction)} after ${tell(highest)} was there`,
      )
  }
  return failures
}

function grouped<K, T>(items: readonly T[], keyOf: (item: T) => K): ReadonlyMap<K, readonly T[]> {
  const groups = new Map<K, T[]>()
  for (const item of items) {
    const group = groups.get(keyOf(item))
    if (group === undefined) groups.set(keyOf(item), [item])
    else group.push(item)
  }
  return groups
}

function inOrder(transactions: readonly Transaction[]): readonly Transaction[] {
  return transactions.toSorted((a, b) => a.startMs - b.startMs)
}

function tell({ partition, offset, value }: ReadRecord): string {
  return `${value} at ${partition}@${offset}`
}

function name({ process, startMs, outcome }: Transaction): string {
  return `${process.name} at ${Math.round(startMs)} ms (${outcome})`
}
