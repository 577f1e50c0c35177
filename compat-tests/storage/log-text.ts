import { isRejection } from '../../protocol/error-codes.ts'
import { batchesOf } from '../../protocol/records/record-batch.ts'
import type { LogManager } from '../../storage/log-manager.ts'
import type { PartitionLog, TimestampAndOffset } from '../../storage/partition-log.ts'
import { describeFile } from '../golden-records/record-files.ts'

const MAX_TIMESTAMP = -3

/**
 * A partition's log as Ottla reads it, in the text format of KafkaLogs.java and OldKafkaLogs.java: its start and end,
 * leader epochs, producers, aborted transactions, all batches and records, and offsets by timestamp.
 */
export async function logText(manager: LogManager, partition: string): Promise<string[]> {
  const [, topic, number] = /^(.*)-(\d+)$/.exec(partition)!
  const log = manager.getNow(topic!, Number(number))!
  const batches = await batchLines(log)
  const aborted = await log.abortedTransactions(log.logStartOffset, log.logEndOffset)
  return [
    `log ${partition} ${log.logStartOffset} ${log.logEndOffset}`,
    ...epochLines(log),
    ...producerLines(log),
    ...aborted.map(
      (each) => `aborted ${each.producerId} ${each.firstOffset}-${each.lastOffset} stable ${each.lastStableOffset}`,
    ),
    ...batches,
    ...(await searchLines(log, batches)),
  ]
}

function epochLines(log: PartitionLog): string[] {
  const lines: string[] = []
  for (let offset = log.logStartOffset, last: number | undefined; offset < log.logEndOffset; offset++) {
    const epoch = log.epochForOffset(offset)
    if (epoch !== undefined && epoch !== last) lines.push(`epoch ${epoch} from ${offset}`)
    last = epoch
  }
  return lines
}

function producerLines(log: PartitionLog): string[] {
  const producers = [...log.activeProducers()].sort((a, b) => a.producerId - b.producerId)
  return producers.map((each) => {
    const sequence = `epoch ${each.producerEpoch} sequence ${each.lastSequence} time ${each.lastTimestampMs}`
    const transaction = `coordinator ${each.coordinatorEpoch} transaction ${each.currentTransactionStartOffset}`
    return `producer ${each.producerId} ${sequence} ${transaction}`
  })
}

async function batchLines(log: PartitionLog): Promise<string[]> {
  const lines: string[] = []
  for (let at = log.logStartOffset; at < log.logEndOffset; ) {
    const part = await log.read(at, { maxBytes: 1 << 20, minOneBatch: true, upToOffset: log.logEndOffset })
    if (isRejection(part)) throw new Error(`${part.error} ${part.message}`)
    const bytes = Buffer.concat(part.slices)
    part.release()
    if (batchesOf(bytes).batches.length === 0) break
    lines.push(...describeFile(bytes))
    at = part.nextOffset
  }
  return lines
}

async function searchLines(log: PartitionLog, batches: readonly string[]): Promise<string[]> {
  const stamps = batches.filter((line) => !line.startsWith('batch')).map((line) => Number(line.split(' ')[1]))
  const lines: string[] = []
  for (let i = 0; i < stamps.length; i += 7) {
    const timestampMs = Math.max(0, stamps[i]! + (i % 3) - 1)
    lines.push(searchLine(timestampMs, await log.offsetForTimestamp(timestampMs, log.logEndOffset)))
  }
  return [...lines, searchLine(MAX_TIMESTAMP, await log.maxTimestamp())]
}

function searchLine(timestampMs: number, found: TimestampAndOffset | undefined): string {
  const answer = found && `${found.timestampMs} offset ${found.offset} epoch ${found.leaderEpoch ?? '-'}`
  return `time ${timestampMs} is ${answer ?? 'none'}`
}
