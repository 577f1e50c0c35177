import { parseUuidText } from '../protocol/uuid-text.ts'
import type { EpochEntry } from './log/leader-epochs.ts'

/*
 * Checkpoints are text (Kafka's CheckpointFile): a line with the version, 0; one with the number of entries; the
 * entries, one a line, their fields separated by a blank.
 */

/** Offset of each partition: recovery-point-offset-checkpoint, log-start-offset-checkpoint. */
export interface PartitionOffset {
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

export const RECOVERY_POINT_FILE = 'recovery-point-offset-checkpoint'
/** First offset of each log that is not yet compacted: cleaner-offset-checkpoint. */
export const CLEANER_OFFSET_FILE = 'cleaner-offset-checkpoint'
export const LOG_START_FILE = 'log-start-offset-checkpoint'
export const LEADER_EPOCH_FILE = 'leader-epoch-checkpoint'
export const CLEAN_SHUTDOWN_FILE = '.kafka_cleanshutdown'
export const PARTITION_METADATA_FILE = 'partition.metadata'

export function formatOffsets(entries: readonly PartitionOffset[]): string {
  return formatCheckpoint(entries.map((entry) => `${entry.topic} ${entry.partition} ${entry.offset}`))
}

/** undefined where the text is no checkpoint as a whole. */
export function parseOffsets(text: string): PartitionOffset[] | undefined {
  return parseCheckpoint(text, /^(\S+) (\d+) (-?\d+)$/, ([, topic, partition, offset]) => ({
    topic: topic!,
    partition: Number(partition),
    offset: Number(offset),
  }))
}

export function formatEpochs(entries: readonly EpochEntry[]): string {
  return formatCheckpoint(entries.map((entry) => `${entry.epoch} ${entry.startOffset}`))
}

/** undefined where the text is no checkpoint as a whole. */
export function parseEpochs(text: string): EpochEntry[] | undefined {
  return parseCheckpoint(text, /^(\d+) (\d+)$/, ([, epoch, startOffset]) => ({
    epoch: Number(epoch),
    startOffset: Number(startOffset),
  }))
}

/** partition.metadata: the topic's id. */
export function formatPartitionMetadata(topicId: string): string {
  return `version: 0\ntopic_id: ${topicId}`
}

/** The topic's id; undefined where the text holds none. */
export function parsePartitionMetadata(text: string): string | undefined {
  const id = /^version: 0\r?\ntopic_id: (\S+)\s*$/.exec(text)?.[1]
  return id === undefined ? undefined : parseUuidText(id)
}

/** Content of the file that marks a clean shutdown. */
export function formatCleanShutdown(brokerEpoch: number): string {
  return JSON.stringify({ version: 0, brokerEpoch })
}

function formatCheckpoint(lines: readonly string[]): string {
  return `0\n${lines.length}\n${lines.map((line) => `${line}\n`).join('')}`
}

function parseCheckpoint<T>(text: string, line: RegExp, entry: (match: RegExpExecArray) => T): T[] | undefined {
  const [version, count, ...rest] = text.split(/\r?\n/)
  const lines = rest.filter((each) => each !== '')
  if (version !== '0' || Number(count) !== lines.length || count === '') return undefined
  const entries: T[] = []
  for (const each of lines) {
    const match = line.exec(each)
    if (match === null) return undefined
    entries.push(entry(match))
  }
  return entries
}
