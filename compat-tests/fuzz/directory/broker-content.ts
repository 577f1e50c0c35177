import { DescribeConfigs } from '../../../protocol/apis/describe-configs.ts'
import { DescribeProducers } from '../../../protocol/apis/describe-producers.ts'
import { Fetch } from '../../../protocol/apis/fetch.ts'
import { ListOffsets } from '../../../protocol/apis/list-offsets.ts'
import { Metadata } from '../../../protocol/apis/metadata.ts'
import { OffsetFetch } from '../../../protocol/apis/offset-fetch.ts'
import { errorName } from '../../../protocol/error-codes.ts'
import { readLegacyBatch } from '../../../protocol/records/legacy-messages.ts'
import { batchesOf, type RecordBatch } from '../../../protocol/records/record-batch.ts'
import { type LogRecord, RecordFault, readRecords } from '../../../protocol/records/record-reader.ts'
import { ZERO_UUID } from '../../../protocol/schema.ts'
import type { SimulatedHost } from '../../../storage/host/simulated-host.ts'
import { hasValidChecksum, lastOffsetOf } from '../../../storage/segment/stored-batch.ts'
import type { SimulatedBroker } from '../../simulation/simulated-broker.ts'

/** What a broker returns about one partition. */
export interface PartitionContent {
  start: number
  /** High watermark. */
  end: number
  /** Last stable offset. */
  stable: number
  /** Content of each record by offset; control records are marked. */
  readonly records: Map<number, string>
  /** Aborted transactions, as returned to read_committed consumers. */
  readonly aborted: Set<string>
  /** Offset found for each timestamp. */
  readonly times: Map<number, number>
  /** First offset returned by a read at the given offset. */
  readonly probes: Map<number, number>
  producers: string
  /** Reads answered with an error or with an invalid batch, as clients see them. */
  readonly errors: Set<string>
}

/** Everything that clients can query about a broker's stored data. */
export interface BrokerContent {
  /** Id by name. */
  readonly topics: Map<string, string>
  readonly partitions: Map<string, PartitionContent>
  /** Settings that are not defaults: `topic plain retention.ms` and its value. */
  readonly settings: Map<string, string>
  /** `group topic-0`: offset, and its metadata text. */
  readonly offsets: Map<string, string>
  /** Groups that were answered with an error, by name. */
  readonly groupErrors: Map<string, string>
}

/** End of the message with which a client refuses a batch. */
export const WRONG_CHECKSUM = 'the checksum is wrong'

const EARLIEST = -2
const LATEST = -1
const LARGEST_TIMESTAMP = -3
const READ_UNCOMMITTED = 0
const READ_COMMITTED = 1
/** Offsets at which single reads begin, some with an index entry. */
const PROBES = [1, 5, 14, 22, 33]
/** Enough for the largest batch: only the first partition of a fetch gets one that is larger than its limit. */
const PROBE_BYTES = 1500
/** Config sources of settings changed while the broker ran: topic, broker, default broker, group. */
const DYNAMIC_SOURCES = new Set([1, 2, 3, 8])
const TOPIC = 2
const BROKER = 4
const LARGEST_CONTENT_BYTES = 1 << 20
/** Most offsets that the read of one partition skips because nothing valid is there. */
const MOST_SKIPS = 60

export interface Question {
  readonly host: SimulatedHost
  readonly broker: SimulatedBroker
  readonly groups: readonly string[]
  /** Timestamps to look for. */
  readonly times: readonly number[]
}

/** Queries everything. */
export async function readContent(question: Question): Promise<BrokerContent> {
  const reader = new ContentReader(question)
  await reader.readAll()
  return reader.content
}

class ContentReader {
  readonly content: BrokerContent = {
    topics: new Map(),
    partitions: new Map(),
    settings: new Map(),
    offsets: new Map(),
    groupErrors: new Map(),
  }
  readonly #question: Question
  readonly #ask: SimulatedBroker['ask']
  /** Numbers of the partitions by topic. */
  readonly #numbers = new Map<string, readonly number[]>()

  constructor(question: Question) {
    this.#question = question
    this.#ask = (api, version, request) => question.host.settle(question.broker.ask(api, version, request))
  }

  async readAll(): Promise<void> {
    await this.#readTopics()
    await this.#readSettings()
    await this.#readOffsets(EARLIEST, (partition, offset) => {
      partition.start = offset
    })
    await this.#readOffsets(LATEST, (partition, offset) => {
      partition.end = offset
    })
    await this.#readOffsets(
      LATEST,
      (partition, offset) => {
        partition.stable = offset
      },
      READ_COMMITTED,
    )
    for (const time of [LARGEST_TIMESTAMP, ...this.#question.times])
      await this.#readOffsets(time, (partition, offset) => partition.times.set(time, offset))
    // Aborted transactions are returned only to read_committed consumers.
    await this.#readRecords(READ_COMMITTED)
    await this.#readRecords(READ_UNCOMMITTED)
    for (const offset of PROBES) await this.#probe(offset)
    await this.#readProducers()
    await this.#readGroups()
  }

  #partition(topic: string, index: number): PartitionContent {
    return this.content.partitions.get(`${topic}-${index}`)!
  }

  async #readTopics(): Promise<void> {
    const { topics } = await this.#ask(Metadata, 12, {
      topics: null,
      allowAutoTopicCreation: false,
      includeClusterAuthorizedOperations: false,
      includeTopicAuthorizedOperations: false,
    })
    for (const { name, topicId, errorCode, partitions } of topics) {
      const numbers = partitions.map(({ partitionIndex }) => partitionIndex).sort((a, b) => a - b)
      this.content.topics.set(name!, topicId)
      this.#numbers.set(name!, numbers)
      for (const index of numbers) {
        const errors = new Set(errorCode === 0 ? [] : [`metadata: ${errorName(errorCode)}`])
        const maps = { records: new Map(), aborted: new Set<string>(), times: new Map(), probes: new Map() }
        this.content.partitions.set(`${name}-${index}`, {
          start: -1,
          end: -1,
          stable: -1,
          ...maps,
          producers: '',
          errors,
        })
      }
    }
  }

  async #readSettings(): Promise<void> {
    const resources = [
      ...[...this.content.topics.keys()].map((resourceName) => ({ resourceType: TOPIC, resourceName })),
      { resourceType: BROKER, resourceName: '1' },
      { resourceType: BROKER, resourceName: '' },
    ].map((each) => ({ ...each, configurationKeys: null }))
    const { results } = await this.#ask(DescribeConfigs, 4, { resources })
    for (const { resourceType, resourceName, configs } of results) {
      for (const { name, value, configSource } of configs) {
        if (!DYNAMIC_SOURCES.has(configSource)) continue
        const kind = resourceType === TOPIC ? 'topic' : 'broker'
        this.content.settings.set(`${kind} ${resourceName} ${name}`, value ?? 'null')
      }
    }
  }

  async #readOffsets(
    timestamp: number,
    take: (partition: PartitionContent, offset: number) => void,
    isolationLevel = READ_UNCOMMITTED,
  ): Promise<void> {
    const topics = [...this.#numbers].map(([name, numbers]) => ({
      name,
      partitions: numbers.map((partitionIndex) => ({ partitionIndex, timestamp })),
    }))
    const answer = await this.#ask(ListOffsets, 8, { replicaId: -1, isolationLevel, topics, timeoutMs: 0 })
    for (const { name, partitions } of answer.topics) {
      for (const { partitionIndex, errorCode, offset } of partitions) {
        const partition = this.#partition(name, partitionIndex)
        if (errorCode === 0) take(partition, offset)
        else partition.errors.add(`ListOffsets: ${errorName(errorCode)}`)
      }
    }
  }

  /** Reads all records visible under the isolation level, in rounds of fetches. */
  async #readRecords(isolationLevel: number): Promise<void> {
    const endOf = ({ end, stable }: PartitionContent) => (isolationLevel === READ_COMMITTED ? stable : end)
    const positions = new Map(
      [...this.content.partitions].map(([name, { start, stable }]) => {
        return [name, isolationLevel === READ_COMMITTED ? start : Math.max(start, stable)] as const
      }),
    )
    const skips = new Map<string, number>()
    for (;;) {
      const wanted = [...positions].filter(([name, at]) => at >= 0 && at < endOf(this.content.partitions.get(name)!))
      if (wanted.length === 0) return
      for (const [name, batches] of await this.#fetch(wanted, { partitionMaxBytes: 1 << 20, isolationLevel })) {
        const asked = positions.get(name)!
        const partition = this.content.partitions.get(name)!
        const next = batches === undefined ? undefined : takeBatches(partition, batches, asked)
        if (next !== undefined && next > asked) {
          positions.set(name, next)
          continue
        }
        // After an error a client may continue after it.
        if (next === asked) partition.errors.add(`no records at ${asked}`)
        const skipped = (skips.get(name) ?? 0) + 1
        skips.set(name, skipped)
        positions.set(name, skipped < MOST_SKIPS ? asked + 1 : Number.POSITIVE_INFINITY)
      }
    }
  }

  async #probe(offset: number): Promise<void> {
    const wanted = [...this.content.partitions]
      .filter(([, { start, end }]) => offset >= start && offset < end && start >= 0)
      .map(([name]) => [name, offset] as const)
    if (wanted.length === 0) return
    for (const [name, batches] of await this.#fetch(wanted, {
      partitionMaxBytes: PROBE_BYTES,
      isolationLevel: READ_UNCOMMITTED,
    })) {
      if (batches === undefined) continue
      const partition = this.content.partitions.get(name)!
      const seen = { ...partition, records: new Map<number, string>() }
      takeBatches(seen, batches, offset)
      const [first] = [...seen.records.keys()].filter((each) => each >= offset)
      if (first !== undefined) partition.probes.set(offset, first)
      for (const [at, record] of seen.records) {
        if (at < partition.start) continue
        const before = partition.records.get(at)
        // A record that is missing or different in another read.
        if (before === undefined) partition.records.set(at, record)
        else if (before !== record) partition.records.set(at, `${record}, not ${before}`)
      }
    }
  }

  /** Fetched bytes by partition; undefined if the response had an error. */
  async #fetch(
    wanted: readonly (readonly [name: string, offset: number])[],
    { partitionMaxBytes, isolationLevel }: { partitionMaxBytes: number; isolationLevel: number },
  ): Promise<[string, Buffer | undefined][]> {
    const topics = new Map<string, { partition: number; fetchOffset: number; partitionMaxBytes: number }[]>()
    for (const [name, fetchOffset] of wanted) {
      const dash = name.lastIndexOf('-')
      const topic = name.slice(0, dash)
      const partitions = topics.get(topic) ?? []
      topics.set(topic, partitions)
      partitions.push({ partition: Number(name.slice(dash + 1)), fetchOffset, partitionMaxBytes })
    }
    const answer = await this.#ask(Fetch, 12, {
      ...{ maxWaitMs: 0, minBytes: 0, maxBytes: 50_000_000, isolationLevel, forgottenTopicsData: [] },
      topics: [...topics].map(([topic, partitions]) => ({ topic, topicId: ZERO_UUID, partitions })),
    })
    return answer.responses.flatMap(({ topic, partitions }) =>
      partitions.map(({ partitionIndex, errorCode, records, abortedTransactions }): [string, Buffer | undefined] => {
        const partition = this.#partition(topic, partitionIndex)
        for (const { producerId, firstOffset } of abortedTransactions ?? [])
          partition.aborted.add(`${producerId} from ${firstOffset}`)
        if (errorCode !== 0) partition.errors.add(`Fetch: ${errorName(errorCode)}`)
        return [`${topic}-${partitionIndex}`, errorCode === 0 ? Buffer.concat(records as Buffer[]) : undefined]
      }),
    )
  }

  async #readProducers(): Promise<void> {
    const topics = [...this.#numbers].map(([name, partitionIndexes]) => ({ name, partitionIndexes }))
    const answer = await this.#ask(DescribeProducers, 0, { topics })
    for (const { name, partitions } of answer.topics) {
      for (const { partitionIndex, errorCode, activeProducers } of partitions) {
        const partition = this.#partition(name, partitionIndex)
        if (errorCode !== 0) partition.errors.add(`DescribeProducers: ${errorName(errorCode)}`)
        partition.producers = activeProducers
          .map((each) => `${each.producerId}/${each.producerEpoch} ${each.lastSequence} ${each.currentTxnStartOffset}`)
          .sort()
          .join(', ')
      }
    }
  }

  async #readGroups(): Promise<void> {
    const groups = this.#question.groups.map((groupId) => ({ groupId, topics: null }))
    const answer = await this.#ask(OffsetFetch, 8, { groupId: '', topics: [], groups, requireStable: false })
    for (const { groupId, errorCode, topics } of answer.groups) {
      if (errorCode !== 0) this.content.groupErrors.set(groupId, errorName(errorCode))
      for (const { name, partitions } of topics) {
        for (const { partitionIndex, committedOffset, metadata, errorCode: error } of partitions) {
          if (error !== 0) this.content.groupErrors.set(groupId, errorName(error))
          else this.content.offsets.set(`${groupId} ${name}-${partitionIndex}`, `${committedOffset} ${metadata}`)
        }
      }
    }
  }
}

/** Adds the records after checking them as a client does. Returns the next offset; the same offset if there was none. */
function takeBatches(partition: PartitionContent, bytes: Buffer, asked: number): number | undefined {
  const scan = batchesOf(bytes)
  let next = asked
  for (const batch of scan.batches) {
    const records = soundRecords(batch)
    if (typeof records === 'string') {
      partition.errors.add(`a batch at ${asked}: ${records}`)
      return next === asked ? undefined : next
    }
    const last = Math.max(lastOffsetOf(batch), records.at(-1)?.offset ?? -1)
    // A client cannot handle this batch and would never advance.
    if (last < asked) partition.errors.add(`a batch below ${asked} at the read of it`)
    for (const record of records) {
      if (record.offset < partition.start) continue
      const text = textOf(record, batch)
      const before = partition.records.get(record.offset)
      partition.records.set(record.offset, before === undefined || before === text ? text : `${before} and ${text}`)
    }
    next = Math.max(next, last + 1)
  }
  if (scan.corruption !== undefined) partition.errors.add(`Fetch: ${scan.corruption}`)
  return next
}

function soundRecords(batch: RecordBatch): LogRecord[] | string {
  if (!hasValidChecksum(batch)) return WRONG_CHECKSUM
  const read = batch.isLegacy ? readLegacyBatch(batch, LARGEST_CONTENT_BYTES) : readRecords(batch)
  if (read instanceof RecordFault) return read.message
  return 'records' in read ? [...read.records] : read
}

function textOf({ timestamp, key, value, headers }: LogRecord, batch: RecordBatch): string {
  const kind = batch.isLegacy ? 'old' : batch.isControl ? 'control' : batch.isTransactional ? 'transactional' : 'plain'
  const told = headers.map((each) => `${each.key}=${each.value}`).join(' ')
  return `${kind} ${timestamp} ${key?.toString('latin1')}: ${value?.toString('latin1')} ${told}`
}
