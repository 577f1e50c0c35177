import { ConsumerGroupHeartbeat } from '../../../protocol/apis/consumer-group-heartbeat.ts'
import { CreateTopics } from '../../../protocol/apis/create-topics.ts'
import { DeleteRecords } from '../../../protocol/apis/delete-records.ts'
import { DeleteTopics } from '../../../protocol/apis/delete-topics.ts'
import { FindCoordinator } from '../../../protocol/apis/find-coordinator.ts'
import { IncrementalAlterConfigs } from '../../../protocol/apis/incremental-alter-configs.ts'
import { InitProducerId } from '../../../protocol/apis/init-producer-id.ts'
import { OffsetCommit } from '../../../protocol/apis/offset-commit.ts'
import { Produce } from '../../../protocol/apis/produce.ts'
import { errorName, isRejection } from '../../../protocol/error-codes.ts'
import { buildBatch, type NewRecord } from '../../../protocol/records/batch-builder.ts'
import { buildEndTransactionBatch } from '../../../protocol/records/control-records.ts'
import { buildMessageSet } from '../../../protocol/records/legacy-builder.ts'
import { type ApiSchema, type Fields, type InputValue, type ValueOf, ZERO_UUID } from '../../../protocol/schema.ts'
import type { MemoryFiles } from '../../../storage/host/memory-files.ts'
import { SimulatedHost } from '../../../storage/host/simulated-host.ts'
import { logConfig } from '../../../storage/log-config.fixture.ts'
import { managerSettings } from '../../../storage/log-manager.fixture.ts'
import { LogManager } from '../../../storage/log-manager.ts'
import { SimulatedBroker } from '../../simulation/simulated-broker.ts'
import { type BrokerContent, readContent } from './broker-content.ts'
import { LogBook } from './log-book.ts'

/** How a directory is made. */
export interface Variant {
  readonly name: string
  readonly directories: readonly string[]
  /** How its broker ended. */
  readonly end: 'stop' | 'kill'
  /** metadata.log.max.record.bytes.between.snapshots */
  readonly snapshotBytes: number
}

/** Data directories left by a broker, and the content that it returns when started again on them. */
export interface MadeDirectory {
  readonly variant: Variant
  readonly files: MemoryFiles
  /** Difference between the wall clock and that of a new simulated host. */
  readonly laterMs: number
  readonly content: BrokerContent
}

export const variants: readonly Variant[] = [
  { name: 'one directory, stopped', directories: ['/data'], end: 'stop', snapshotBytes: 20_971_520 },
  { name: 'one directory, killed', directories: ['/data'], end: 'kill', snapshotBytes: 1000 },
  { name: 'two directories, stopped', directories: ['/data/d1', '/data/d10'], end: 'stop', snapshotBytes: 1000 },
  { name: 'two directories, killed', directories: ['/data/d1', '/data/d10'], end: 'kill', snapshotBytes: 20_971_520 },
]

const DAY_MS = 86_400_000
/** Age of records: Kafka's default retention would delete them. */
const AGE_MS = 30 * DAY_MS
/** The clock of a new simulated host. */
const START_MS = 1_767_225_600_000
const OLD_MS = START_MS - AGE_MS
/** Timestamps that every reader looks for. */
export const soughtTimes: readonly number[] = [OLD_MS - 1, OLD_MS + 7, OLD_MS + 500, OLD_MS + 5000, START_MS + 99]
export const groups: readonly string[] = ['simple', 'other', 'third', 'consumers', 'sixth']

const small = { 'internal.segment.bytes': '1500', 'index.interval.bytes': '100', 'file.delete.delay.ms': '1000' }
const kept = { ...small, 'retention.ms': '-1' }
const compacted = { ...small, 'min.cleanable.dirty.ratio': '0.01', 'delete.retention.ms': '0' }
/** Topics by name: partitions and settings. */
const topics: Readonly<Record<string, readonly [count: number, settings: Readonly<Record<string, string>>]>> = {
  plain: [2, kept],
  codecs: [1, { ...kept, 'compression.type': 'producer' }],
  compacted: [2, { ...compacted, 'cleanup.policy': 'compact' }],
  both: [1, { ...compacted, ...kept, 'cleanup.policy': 'compact,delete' }],
  trimmed: [1, kept],
  transactional: [1, kept],
  old: [1, { ...kept, 'internal.segment.bytes': '100000' }],
  empty: [1, {}],
  doomed: [1, {}],
}

/** Settings of every broker that makes such directories or starts on them. */
export function settingsOf({ directories, snapshotBytes }: Variant): Record<string, string> {
  return {
    'log.dirs': directories.join(','),
    'node.id': '1',
    'auto.create.topics.enable': 'false',
    'offsets.topic.num.partitions': '3',
    'group.initial.rebalance.delay.ms': '0',
    'log.cleaner.backoff.ms': '15000',
    'metadata.log.max.record.bytes.between.snapshots': String(snapshotBytes),
  }
}

const made = new Map<Variant, Promise<MadeDirectory>>()

/** Makes each variant once; the content is deterministic. */
export function madeDirectory(variant: Variant): Promise<MadeDirectory> {
  const known = made.get(variant) ?? new Maker(variant).make()
  made.set(variant, known)
  return known
}

/** A resource of an IncrementalAlterConfigs request that sets one setting. */
function set(resourceType: number, resourceName: string, name: string, value: string) {
  return { resourceType, resourceName, configs: [{ name, configOperation: 0, value }] }
}

class Maker {
  readonly #variant: Variant
  readonly #host = new SimulatedHost(1)
  readonly #log = new LogBook()
  readonly #broker: SimulatedBroker
  #producerId = -1

  constructor(variant: Variant) {
    this.#variant = variant
    this.#broker = new SimulatedBroker(this.#host, settingsOf(variant), this.#log)
  }

  async make(): Promise<MadeDirectory> {
    await this.#broker.start()
    await this.#makeTopics()
    await this.#produceEverything()
    await this.#commitEverything()
    await this.#host.advance(60_000)
    await this.#broker.end('stop')
    await this.#writeWhatClientsCannot()
    await this.#broker.start()
    // The warnings about missing indexes are due to this test's own files.
    this.#log.lines.length = 0
    await this.#useAgain()
    const before = await this.#read()
    await this.#broker.end(this.#variant.end === 'stop' ? 'stop' : 'process')
    if (this.#log.lines.length > 0) throw new Error(`the directory is made with:\n${this.#log.lines.join('\n')}`)
    const files = this.#host.memory.copy()
    const laterMs = this.#host.clock.nowMs() - START_MS
    const content = await contentOf({ variant: this.#variant, files, laterMs })
    for (const [name, { records }] of before.partitions) {
      const missing = [...records.keys()].filter(
        (offset) => content.partitions.get(name)?.records.get(offset) !== records.get(offset),
      )
      if (missing.length > 0) throw new Error(`${name} changed at ${missing} by a start on whole files`)
    }
    return { variant: this.#variant, files, laterMs, content }
  }

  async #ask<Q extends Fields, S extends Fields>(
    api: ApiSchema<Q, S>,
    version: number,
    request: InputValue<Q>,
  ): Promise<ValueOf<S>> {
    const answer = await this.#host.settle(this.#broker.ask(api, version, request))
    const error = JSON.stringify(answer, (_, value) => (typeof value === 'bigint' ? `${value}` : value)).match(
      /"\w*errorCode":(-?[1-9]\d*)/i,
    )
    if (error !== null) throw new Error(`${api.name} is answered ${errorName(Number(error[1]))}`)
    return answer
  }

  async #makeTopics(): Promise<void> {
    await this.#ask(CreateTopics, 7, {
      topics: Object.entries(topics).map(([name, [numPartitions, settings]]) => ({
        name,
        numPartitions,
        replicationFactor: 1,
        assignments: [],
        configs: Object.entries(settings).map(([key, value]) => ({ name: key, value })),
      })),
    })
    await this.#ask(IncrementalAlterConfigs, 1, {
      resources: [
        set(2, 'plain', 'max.message.bytes', '500000'),
        set(4, '1', 'log.cleaner.threads', '2'),
        set(4, '', 'log.retention.ms', String(400 * DAY_MS)),
      ],
      validateOnly: false,
    })
  }

  async #produceEverything(): Promise<void> {
    const { producerId } = await this.#ask(InitProducerId, 4, { transactionalId: null, transactionTimeoutMs: 60_000 })
    this.#producerId = producerId
    for (let i = 0; i < 12; i++) {
      for (const index of [0, 1])
        await this.#produce('plain', index, this.#records(i, 3, { baseMs: START_MS }), {
          producerId,
          producerEpoch: 0,
          baseSequence: 3 * i,
        })
      const compression = (['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const)[i % 5]!
      await this.#produce('codecs', 0, this.#records(i, 4), { compression })
      for (const index of [0, 1]) await this.#produce('compacted', index, this.#records(i, 3, { keys: 5 }))
      await this.#produce('both', 0, this.#records(i, 2, { keys: 4 }))
      await this.#produce('trimmed', 0, this.#records(i, 3))
      if (i === 0) await this.#produce('doomed', 0, this.#records(i, 3))
    }
    await this.#ask(DeleteRecords, 2, {
      topics: [{ name: 'trimmed', partitions: [{ partitionIndex: 0, offset: 14 }] }],
      timeoutMs: 1000,
    })
    await this.#ask(DeleteTopics, 6, {
      topics: [{ name: 'doomed', topicId: ZERO_UUID }],
      topicNames: [],
      timeoutMs: 1000,
    })
  }

  /** Old records with unique values; with `keys` different keys if given. */
  #records(
    round: number,
    count: number,
    { keys, baseMs = OLD_MS }: { keys?: number; baseMs?: number } = {},
  ): NewRecord[] {
    return Array.from({ length: count }, (_, i) => {
      const id = round * count + i
      const isTombstone = keys !== undefined && id % 11 === 7
      return {
        key: keys === undefined ? `key ${id}` : `key ${id % keys}`,
        value: isTombstone ? null : `value ${id} `.padEnd(40 + (id % 3) * 40, 'x'),
        timestamp: baseMs + id * 10,
        headers: [{ key: 'id', value: String(id) }],
      }
    })
  }

  async #produce(
    name: string,
    index: number,
    records: NewRecord[],
    options: Parameters<typeof buildBatch>[1] = {},
  ): Promise<void> {
    await this.#ask(Produce, 9, {
      acks: -1,
      timeoutMs: 1000,
      topicData: [{ name, topicId: ZERO_UUID, partitionData: [{ index, records: buildBatch(records, options) }] }],
    })
  }

  async #commitEverything(): Promise<void> {
    await this.#ask(FindCoordinator, 4, { key: '', keyType: 0, coordinatorKeys: [...groups] })
    await this.#ask(IncrementalAlterConfigs, 1, {
      resources: [set(2, '__consumer_offsets', 'internal.segment.bytes', '1000')],
      validateOnly: false,
    })
    for (let offset = 1; offset <= 6; offset++) {
      for (const groupId of groups) if (groupId !== 'consumers') await this.#commit(groupId, offset)
    }
    await this.#commitAsMember()
  }

  async #commit(
    groupId: string,
    offset: number,
    member = { generationIdOrMemberEpoch: -1, memberId: '' },
  ): Promise<void> {
    const partition = (partitionIndex: number) => ({
      partitionIndex,
      committedOffset: offset + partitionIndex,
      committedLeaderEpoch: 0,
      committedMetadata: `at ${offset + partitionIndex}`,
    })
    const named = [
      { name: 'plain', topicId: ZERO_UUID, partitions: [partition(0), partition(1)] },
      { name: 'compacted', topicId: ZERO_UUID, partitions: [partition(0)] },
    ]
    await this.#ask(OffsetCommit, 9, { groupId, ...member, topics: named })
  }

  async #commitAsMember(): Promise<void> {
    const beat = { groupId: 'consumers', memberId: 'AAAAAAAAAAAAAAAAAAAAZZ', rebalanceTimeoutMs: 60_000 }
    const joined = await this.#ask(ConsumerGroupHeartbeat, 1, {
      ...beat,
      memberEpoch: 0,
      subscribedTopicNames: ['plain', 'compacted'],
      topicPartitions: [],
    })
    for (let offset = 1; offset <= 4; offset++)
      await this.#commit('consumers', offset, {
        generationIdOrMemberEpoch: joined.memberEpoch,
        memberId: beat.memberId,
      })
    await this.#ask(ConsumerGroupHeartbeat, 1, { ...beat, memberEpoch: -1 })
  }

  /** Writes transactions with markers and messages of formats v0 and v1 into the files of a stopped broker. */
  async #writeWhatClientsCannot(): Promise<void> {
    const { directories } = this.#variant
    const host = this.#host
    const manager = new LogManager({
      host,
      directories: directories.map((path, i) => ({ path, directoryId: String(i) })),
      settings: managerSettings,
    })
    const config = logConfig({ segmentBytes: 1500, indexIntervalBytes: 100, retentionMs: -1 })
    await host.settle(manager.start(() => config))
    const log = manager.getNow('transactional', 0)!
    const append = async (bytes: Buffer, origin: 'client' | 'coordinator') => {
      const options = { leaderEpoch: 0, nowMs: START_MS + 10_000 }
      const result = await host.settle(
        log.append(bytes, origin === 'client' ? { ...options, origin, produceVersion: 9 } : { ...options, origin }),
      )
      if (isRejection(result)) throw new Error(`a transaction is refused: ${result.message}`)
    }
    for (let i = 0; i < 10; i++) {
      for (const producerId of [9000, 9001]) {
        const batch = { producerId, producerEpoch: 0, baseSequence: 2 * i, transactional: true }
        await append(buildBatch(this.#records(i, 2, { baseMs: START_MS }), batch), 'client')
      }
      for (const producerId of [9001, 9000]) {
        // The last transaction of producer 9001 stays open.
        if (i === 9 && producerId === 9001) continue
        const type = (i + producerId) % 3 === 0 ? 'ABORT' : 'COMMIT'
        const marker = { producerId, producerEpoch: 0, timestampMs: START_MS + i * 20 }
        await append(buildEndTransactionBatch({ type, coordinatorEpoch: 0 }, marker), 'coordinator')
      }
    }
    await host.settle(manager.stop())
    this.#writeOldMessages()
    host.crash()
  }

  #writeOldMessages(): void {
    const { memory } = this.#host
    const directory = this.#variant.directories.map((each) => `${each}/old-0`).find((each) => memory.exists(each))!
    let offset = 0
    const sets = ([0, 1] as const).flatMap((magic) =>
      (['none', 'gzip', 'snappy', 'lz4'] as const).map((compression) => {
        const records = this.#records(offset, 3).map(({ key, value, timestamp }) => {
          const [k, v] = [key, value].map((each) => Buffer.from(each as string))
          return { offset: offset++, timestamp: timestamp!, key: k!, value: v! }
        })
        return buildMessageSet(records, { magic, compression })
      }),
    )
    for (const name of memory.list(directory))
      if (/index$|\.snapshot$|epoch/.test(name)) memory.remove(`${directory}/${name}`)
    const handle = memory.open(`${directory}/00000000000000000000.log`, 'a+')
    handle.truncate(0)
    handle.writeSync([Buffer.concat(sets)], 0)
    for (const each of this.#variant.directories) memory.remove(`${each}/.kafka_cleanshutdown`)
  }

  /** Writes some of everything again, so that the files contain two runs of a broker. */
  async #useAgain(): Promise<void> {
    const producerId = this.#producerId
    for (const index of [0, 1])
      await this.#produce('plain', index, this.#records(12, 3, { baseMs: START_MS }), {
        producerId,
        producerEpoch: 0,
        baseSequence: 36,
      })
    await this.#produce('compacted', 0, this.#records(12, 3, { keys: 5 }))
    await this.#commit('simple', 7)
    await this.#commit('third', 7)
    await this.#host.advance(60_000)
  }

  #read(): Promise<BrokerContent> {
    return readContent({ host: this.#host, broker: this.#broker, groups, times: soughtTimes })
  }
}

/** A broker on its own copy of such files, not yet started. Its clock continues where the last broker ended. */
export function brokerOn(
  { variant, files, laterMs }: Pick<MadeDirectory, 'variant' | 'files' | 'laterMs'>,
  log: LogBook,
): { host: SimulatedHost; broker: SimulatedBroker } {
  let host: SimulatedHost | undefined
  host = new SimulatedHost(
    1,
    files.copy(() => host?.clock.nowMs() ?? 0),
  )
  host.jumpWallClock(laterMs)
  return { host, broker: new SimulatedBroker(host, settingsOf(variant), log) }
}

async function contentOf(made: Pick<MadeDirectory, 'variant' | 'files' | 'laterMs'>): Promise<BrokerContent> {
  const { host, broker } = brokerOn(made, new LogBook())
  await broker.start()
  return readContent({ host, broker, groups, times: soughtTimes })
}
