/** Names of files and directories, as in Kafka's LogFileUtils and LocalLog. */

export const LOG_SUFFIX = '.log'
export const OFFSET_INDEX_SUFFIX = '.index'
export const TIME_INDEX_SUFFIX = '.timeindex'
export const TRANSACTION_INDEX_SUFFIX = '.txnindex'
export const SNAPSHOT_SUFFIX = '.snapshot'
/** Removed from the log; deleted after file.delete.delay.ms. */
export const DELETED_SUFFIX = '.deleted'
/** Being written by compaction. Discarded after a crash until it is renamed. */
export const CLEANED_SUFFIX = '.cleaned'
/** Completely written by compaction; about to replace the segments it was made from. */
export const SWAP_SUFFIX = '.swap'

/** Kinds of files of a segment, the log itself first. */
export const SEGMENT_SUFFIXES = [LOG_SUFFIX, OFFSET_INDEX_SUFFIX, TIME_INDEX_SUFFIX, TRANSACTION_INDEX_SUFFIX] as const
export type SegmentSuffix = (typeof SEGMENT_SUFFIXES)[number]
export type TemporarySuffix = '' | typeof DELETED_SUFFIX | typeof CLEANED_SUFFIX | typeof SWAP_SUFFIX

/** `00000000000000001234.log` */
export function segmentFileName(baseOffset: number, suffix: SegmentSuffix | typeof SNAPSHOT_SUFFIX): string {
  return `${String(baseOffset).padStart(20, '0')}${suffix}`
}

export interface SegmentFileName {
  readonly baseOffset: number
  readonly suffix: SegmentSuffix | typeof SNAPSHOT_SUFFIX
  readonly temporary: TemporarySuffix
}

const SEGMENT_FILE = /^(\d{1,20})(\.log|\.index|\.timeindex|\.txnindex|\.snapshot)(\.deleted|\.cleaned|\.swap)?$/

/** undefined: not a segment file. */
export function parseSegmentFileName(name: string): SegmentFileName | undefined {
  const match = SEGMENT_FILE.exec(name)
  if (match === null) return undefined
  return {
    baseOffset: Number(match[1]),
    suffix: match[2] as SegmentFileName['suffix'],
    temporary: (match[3] ?? '') as TemporarySuffix,
  }
}

export function partitionDirectoryName(topic: string, partition: number): string {
  return `${topic}-${partition}`
}

/** undefined: not a partition directory, or one being deleted. */
export function parsePartitionDirectory(
  name: string,
): { readonly topic: string; readonly partition: number } | undefined {
  const match = /^(.+)-(\d{1,10})$/.exec(name)
  return match === null ? undefined : { topic: match[1]!, partition: Number(match[2]) }
}

const DELETED_DIRECTORY_SUFFIX = '-delete'
const STRAY_DIRECTORY_SUFFIX = '-stray'
const FUTURE_DIRECTORY_SUFFIX = '-future'
/** Longest file name that file systems allow. */
const LONGEST_NAME = 255

/** `topic-0.<unique id>-delete`, cut to the longest allowed name. uniqueId: 32 hexadecimal digits. */
export function deletedDirectoryName(topic: string, partition: number, uniqueId: string): string {
  return renamedDirectoryName(topic, partition, uniqueId, DELETED_DIRECTORY_SUFFIX)
}

/** `topic-0.<unique id>-stray`: a log that belongs to no topic of the cluster. */
export function strayDirectoryName(topic: string, partition: number, uniqueId: string): string {
  return renamedDirectoryName(topic, partition, uniqueId, STRAY_DIRECTORY_SUFFIX)
}

/**
 * `topic-0.<unique id>-future`: a log that will replace that of its partition, which is in another directory. Undefined
 * if the topic's name is too long for it.
 */
export function futureDirectoryName(topic: string, partition: number, uniqueId: string): string | undefined {
  const name = `${topic}-${partition}.${uniqueId}${FUTURE_DIRECTORY_SUFFIX}`
  return name.length > LONGEST_NAME ? undefined : name
}

/** False: the name of the topic is too long for a partition that moves. */
export function mayMove(topic: string, partition: number): boolean {
  return futureDirectoryName(topic, partition, '0'.repeat(32)) !== undefined
}

/** undefined: not the directory of a future log. */
export function parseFutureDirectory(name: string): { readonly topic: string; readonly partition: number } | undefined {
  const match = /^(.+)-(\d{1,10})\.[0-9a-f]{32}-future$/.exec(name)
  return match === null ? undefined : { topic: match[1]!, partition: Number(match[2]) }
}

function renamedDirectoryName(topic: string, partition: number, uniqueId: string, ending: string): string {
  const suffix = `-${partition}.${uniqueId}${ending}`
  return topic.slice(0, LONGEST_NAME - suffix.length) + suffix
}

export function isDeletedDirectory(name: string): boolean {
  return /^\S+-\S+\.\S+-delete$/.test(name)
}
