// Imported by path: the package does not declare where the types of its ES module are.
import { Parser } from 'binary-parser/dist/binary_parser.js'
import { int64FromHalves } from '../protocol/int64.ts'

/**
 * Fixed layouts of Kafka's files, for readers that no request waits for: producer snapshots when a log opens, indexes
 * when recovery checks them, and tools that dump files. Look-ups for requests read these fields from the bytes directly
 * (offset-index.ts, time-index.ts, transaction-index.ts): binary-parser makes objects for each entry.
 */

/** An offset index entry. Source: OffsetIndex. */
export interface OffsetEntry {
  /** Last offset of the batch less the segment's base offset. */
  readonly relativeOffset: number
  /** Where that batch starts in the log file, in bytes. */
  readonly position: number
}

/** A time index entry. Source: TimeIndex. */
export interface TimeEntry {
  /** Largest timestamp of the segment so far, in milliseconds. */
  readonly timestampMs: number
  /** Last offset of its batch less the segment's base offset. */
  readonly relativeOffset: number
}

/** A transaction index entry. Source: AbortedTxn. */
export interface TransactionEntry {
  readonly version: number
  readonly producerId: number
  readonly firstOffset: number
  /** Offset of the marker. */
  readonly lastOffset: number
  readonly lastStableOffset: number
}

/** A producer snapshot. Source: ProducerStateManager.readSnapshot, ProducerSnapshot.json. */
export interface ProducerSnapshot {
  readonly version: number
  /** CRC-32C of everything after it. */
  readonly crc: number
  readonly entries: readonly ProducerSnapshotEntry[]
}

export interface ProducerSnapshotEntry {
  readonly producerId: number
  readonly producerEpoch: number
  readonly lastSequence: number
  /** -1: no batch is known. */
  readonly lastOffset: number
  /** Last offset of the last batch less its first. */
  readonly offsetDelta: number
  readonly timestampMs: number
  readonly coordinatorEpoch: number
  /** -1: no transaction is open. */
  readonly transactionStartOffset: number
}

// Two halves instead of a BigInt: offsets, ids and times are numbers here, saturating as everywhere (protocol/int64.ts).
const int64Halves = () => new Parser().int32('high').uint32('low')
const int64 = {
  type: int64Halves(),
  formatter: (halves: { high: number; low: number }) => int64FromHalves(halves.high, halves.low),
}

const offsetEntry = () => new Parser().int32('relativeOffset').int32('position')
const timeEntry = () => new Parser().nest('timestampMs', int64).int32('relativeOffset')
const transactionEntry = () =>
  new Parser()
    .int16('version')
    .nest('producerId', int64)
    .nest('firstOffset', int64)
    .nest('lastOffset', int64)
    .nest('lastStableOffset', int64)
const producerSnapshotEntry = () =>
  new Parser()
    .nest('producerId', int64)
    .int16('producerEpoch')
    .int32('lastSequence')
    .nest('lastOffset', int64)
    .int32('offsetDelta')
    .nest('timestampMs', int64)
    .int32('coordinatorEpoch')
    .nest('transactionStartOffset', int64)
const producerSnapshot = () =>
  new Parser()
    .int16('version')
    .uint32('crc')
    .int32('count')
    .array('entries', { type: producerSnapshotEntry(), length: 'count' })

/** Entries of an offset index, one after the other; the bytes end with a whole entry. */
export const readOffsetEntries = entriesReader<OffsetEntry>(offsetEntry)
/** Entries of a time index, one after the other; the bytes end with a whole entry. */
export const readTimeEntries = entriesReader<TimeEntry>(timeEntry)
/** Entries of a transaction index, one after the other; the bytes end with a whole entry. */
export const readTransactionEntries = entriesReader<TransactionEntry>(transactionEntry)
/** Parses a snapshot. RangeError if its size does not fit its count. */
export const readProducerSnapshotLayout = reader<ProducerSnapshot>(producerSnapshot)

function entriesReader<T>(entry: () => Parser): (bytes: Buffer) => readonly T[] {
  const read = reader<{ entries: readonly T[] }>(() =>
    new Parser().array('entries', { type: entry(), readUntil: 'eof' }),
  )
  return (bytes) => (bytes.length === 0 ? [] : read(bytes).entries)
}

/** The parser is made when it is first needed: a start after a clean shutdown reads none of these files. */
function reader<T>(make: () => Parser): (bytes: Buffer) => T {
  let parser: Parser | undefined
  return (bytes) => {
    parser ??= make()
    return parser.parse(bytes) as T
  }
}
