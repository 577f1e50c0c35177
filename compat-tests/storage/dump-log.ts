import { readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { ToolRunner } from '../console-tools/tool-runner.ts'
import { runKafkaTool } from '../kafka-tool.ts'
import type { WrittenRecord } from './written-logs.ts'

/** Output of `kafka-dump-log.sh`. */
export interface LogDump {
  /** Lines about files that passed their check or are empty. */
  readonly passed: readonly string[]
  /** All lines, by the path of the file. */
  readonly lines: ReadonlyMap<string, readonly string[]>
  /** Reported problems; empty: none. */
  readonly complaints: readonly string[]
}

/** Kinds of files in a partition directory. */
export type FileKind = 'log' | 'index' | 'timeindex' | 'txnindex' | 'snapshot'

/** Files of a partition, in offset order. */
export function filesOf(directory: string, kind: FileKind): string[] {
  const names = readdirSync(directory).filter((name) => name.endsWith(`.${kind}`))
  return names.sort().map((name) => join(directory, name))
}

/** Runs the dump tool on files: in the given runner, or of a version in its own JVM. */
export async function dumpLog(
  tools: ToolRunner | string,
  files: readonly string[],
  ...options: string[]
): Promise<LogDump> {
  const args = [...options, '--files', files.join(',')]
  const tool = 'kafka-dump-log'
  const result = typeof tools === 'string' ? runKafkaTool(tools, tool, args) : tools.run(tool, args)
  const { code, stdout, stderr } = await result
  const lines = new Map<string, string[]>()
  let current: string[] = []
  for (const line of stdout.split('\n').filter((each) => each !== '')) {
    const file = /^Dumping (.*)$/.exec(line)?.[1]
    if (file !== undefined) {
      current = []
      lines.set(file, current)
    } else current.push(line)
  }
  return {
    lines,
    passed: [...lines.values()].flat().filter((line) => / passed sanity check\.$| is empty\.$/.test(line)),
    complaints: [
      ...(code === 0 ? [] : [`exit code ${code}`]),
      ...stdout.split('\n').filter((line) => /isvalid: false|isValid: false|invalid bytes/.test(line)),
      ...withoutFalseAlarms(stderr.split('\n').filter((line) => line.trim() !== '' && !isNoise(line))),
    ],
  }
}

/** 2.8.2 repeats the fields of the batch with each record, in another order. */
function withoutBatch(line: string): string {
  const old =
    /^(\| offset: \d+) isValid: true crc: null (keySize: -?\d+ valueSize: -?\d+) (\w+Time: \d+) .*? position: \d+ (sequence: .*)$/
  const parts = old.exec(line)
  return parts === null ? line : `${parts[1]} ${parts[3]} ${parts[2]} ${parts[4]}`
}

/** 4.4.0 reports a missing offset before the first one of each segment except the one at 0. */
function withoutFalseAlarms(lines: readonly string[]): string[] {
  const gaps = lines.filter((line) => !/^ {2}-1 is followed by \d+$/.test(line))
  return gaps.filter((line, i) => !line.startsWith('Non-consecutive') || gaps[i + 1]?.includes('is followed by'))
}

/** Dump of the log files in a directory: records in the form of recordLine, and batches. */
export function logLines({ lines }: LogDump, directory: string): { records: string[]; batches: string[] } {
  const all = [...lines]
    .filter(([file]) => dirname(file) === directory && file.endsWith('.log'))
    .flatMap(([, each]) => each)
  return {
    records: all.filter((line) => line.startsWith('| ')).map(withoutBatch),
    batches: all.filter((line) => /^(baseOffset|offset): .* isvalid: /.test(line)),
  }
}

/** Output of the JVM and its logging. */
function isNoise(line: string): boolean {
  return /SLF4J|StatusLogger|log4j|^WARNING:|sun\.misc\.Unsafe/.test(line)
}

/** Line that the dump tool prints for a record of message format v2. */
export function recordLine(record: WrittenRecord): string {
  const { offset, timestampMs, timestampType, sequence, key, value, headerKeys, marker } = record
  const size = (text: string | null) => (text === null ? -1 : Buffer.byteLength(text))
  const [keySize, valueSize] = marker === undefined ? [size(key), size(value)] : [MARKER_KEY_BYTES, MARKER_VALUE_BYTES]
  const sizes = `keySize: ${keySize} valueSize: ${valueSize}`
  const head = `| offset: ${offset} ${timestampType}: ${timestampMs} ${sizes} sequence: ${sequence}`
  return [
    `${head} headerKeys: [${headerKeys.join(',')}]`,
    ...(marker === undefined ? [] : [`endTxnMarker: ${marker.type} coordinatorEpoch: ${marker.coordinatorEpoch}`]),
    ...(key === null ? [] : [`key: ${key}`]),
    ...(value === null ? [] : [`payload: ${value}`]),
  ].join(' ')
}

const MARKER_KEY_BYTES = 4
const MARKER_VALUE_BYTES = 6
