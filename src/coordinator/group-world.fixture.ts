import type { HeartbeatResponse } from '../../protocol/apis/heartbeat.ts'
import type { JoinGroupRequest, JoinGroupResponse } from '../../protocol/apis/join-group.ts'
import type { SyncGroupRequest, SyncGroupResponse } from '../../protocol/apis/sync-group.ts'
import { isRejection } from '../../protocol/error-codes.ts'
import { SimulatedHost } from '../../storage/host/simulated-host.ts'
import { TurnSlices } from '../../storage/host/turn-slices.ts'
import { ConfigStore } from '../config/config-store.ts'
import { InvalidSetting } from '../config/config-value.ts'
import { readStaticConfig } from '../config/static-config.ts'
import { emptyImage } from '../metadata/cluster-image.ts'
import type { MetadataImage } from '../metadata/metadata-image.ts'
import type { MetadataStore } from '../metadata/metadata-store.ts'
import { silentLogger } from '../observe/logger.ts'
import { GroupCoordinator } from './group/group-coordinator.ts'
import { GroupShard } from './group/group-shard.ts'
import { groupContext } from './group/open-group-coordinator.ts'
import { MemoryLog } from './memory-log.fixture.ts'
import {
  COORDINATOR_ID,
  topicIdOf,
  topicImage,
  unchangeableMetadata,
  withoutTopic,
  withTopic,
} from './metadata.fixture.ts'
import { CoordinatorRuntime } from './runtime.ts'
import { ShardRuntime } from './shard-runtime.ts'

export { topicIdOf, topicImage }

const GROUP_TOPIC = '__consumer_offsets'

/** Group coordinator for tests: one shard, a log in memory, virtual time. */
export class GroupWorld {
  readonly host: SimulatedHost
  readonly slices: TurnSlices
  readonly log: MemoryLog
  readonly configs: ConfigStore
  coordinator: GroupCoordinator
  shard!: ShardRuntime<GroupShard>
  image: MetadataImage
  readonly #listeners: Parameters<MetadataStore['onChange']>[0][] = []

  constructor(settings: Readonly<Record<string, string>> = {}, seed = 1) {
    this.host = new SimulatedHost(seed)
    this.slices = new TurnSlices(this.host)
    this.log = new MemoryLog()
    const config = readStaticConfig(new Map(Object.entries(settings)))
    if (config instanceof InvalidSetting) throw new Error(config.message)
    this.configs = new ConfigStore(config, COORDINATOR_ID)
    this.image = withTopic(emptyImage('cluster'), topicImage(GROUP_TOPIC, 1))
    this.coordinator = this.#open()
  }

  static async started(settings: Readonly<Record<string, string>> = {}, seed = 1): Promise<GroupWorld> {
    const world = new GroupWorld(settings, seed)
    await world.coordinator.start()
    return world
  }

  /** Starts a new coordinator on the same log, as after a broker restart. */
  async restart(): Promise<void> {
    this.coordinator.stop()
    this.#listeners.length = 0
    this.coordinator = this.#open()
    await this.host.settle(this.coordinator.start())
  }

  /** State machine, for inspection. */
  get state(): GroupShard {
    const { current } = this.shard
    if (current === undefined) throw new Error('the shard is loading')
    return current
  }

  /** Creates or changes a topic; a count of 0 deletes it. */
  setTopic(name: string, partitionCount: number, id = topicIdOf(name)): void {
    const before = this.image.topicsByName.get(name)
    const topic = topicImage(name, partitionCount, id)
    this.image = partitionCount === 0 ? withoutTopic(this.image, name) : withTopic(this.image, topic)
    const gone = before !== undefined && (partitionCount === 0 || before.id !== id) ? [before] : []
    const change = {
      topicsChanged: partitionCount === 0 ? [] : [topic],
      topicsDeleted: gone,
      configsChanged: [],
    }
    for (const listener of this.#listeners) listener(this.image, change)
  }

  /** Gives a topic another id without notifying the coordinator. */
  replaceTopicSilently(name: string, id: string): void {
    this.image = withTopic(this.image, topicImage(name, 1, id))
  }

  #open(): GroupCoordinator {
    const metadata = unchangeableMetadata(() => this.image, this.#listeners)
    const slices = new TurnSlices(this.host)
    const parts = { host: this.host, slices, logger: silentLogger, configs: this.configs, metadata }
    const runtime = new CoordinatorRuntime<GroupShard>({
      nodeId: COORDINATOR_ID,
      host: this.host,
      logger: silentLogger,
      metadata,
      topic: GROUP_TOPIC,
      newTopic: () => {
        throw new Error('the topic is there')
      },
      nowMs: () => this.host.clock.nowMs(),
      open: () => {
        this.shard = new ShardRuntime({
          host: this.host,
          logger: silentLogger,
          name: GROUP_TOPIC,
          log: this.log,
          create: (deadlines) => new GroupShard(groupContext(parts, deadlines, 0)),
        })
        return this.shard
      },
    })
    return new GroupCoordinator(
      runtime,
      () => this.configs.broker,
      () => this.image,
    )
  }
}

/** Test member of a classic group. */
export class ClassicClient {
  readonly world: GroupWorld
  readonly groupId: string
  readonly name: string
  memberId = ''
  generationId = -1
  apiVersion = 9
  sessionTimeoutMs = 10_000
  rebalanceTimeoutMs = 30_000
  groupInstanceId: string | null = null
  protocolType = 'consumer'
  protocols: { name: string; metadata: Buffer }[] = [{ name: 'range', metadata: Buffer.from('m') }]

  constructor(world: GroupWorld, groupId: string, name: string, changes: Partial<ClassicClient> = {}) {
    this.world = world
    this.groupId = groupId
    this.name = name
    Object.assign(this, changes)
  }

  /** Sends one JoinGroup and keeps the member id from the response. */
  async join(changes: Partial<JoinGroupRequest> = {}): Promise<JoinGroupResponse> {
    const { groupId, memberId, groupInstanceId, sessionTimeoutMs, rebalanceTimeoutMs, protocolType, protocols } = this
    const member = { groupId, memberId, groupInstanceId, sessionTimeoutMs, rebalanceTimeoutMs, protocolType, protocols }
    const client = { clientId: this.name, clientHost: '/127.0.0.1', apiVersion: this.apiVersion }
    const response = await this.world.coordinator.join({ ...member, reason: null, ...changes }, client)
    if (response.memberId !== '') this.memberId = response.memberId
    if (response.errorCode === 0) this.generationId = response.generationId ?? -1
    return response
  }

  /** Joins as a client does: sends JoinGroup again with the member id it was given. */
  async enter(): Promise<JoinGroupResponse> {
    const response = await this.join()
    return response.errorCode === 79 ? this.join() : response
  }

  async sync(assignments: SyncGroupRequest['assignments'] = []): Promise<SyncGroupResponse> {
    const { groupId, generationId, memberId, groupInstanceId } = this
    const member = { groupId, generationId, memberId, groupInstanceId }
    return this.world.coordinator.sync({ ...member, protocolType: null, protocolName: null, assignments })
  }

  async heartbeat(changes: { generationId?: number } = {}): Promise<number> {
    const { groupId, generationId, memberId, groupInstanceId } = this
    const member = { groupId, generationId, memberId, groupInstanceId }
    const response: HeartbeatResponse = await this.world.coordinator.heartbeat({ ...member, ...changes })
    return response.errorCode
  }

  async leave(): Promise<number> {
    const { groupId, memberId, groupInstanceId } = this
    const members = [{ memberId, groupInstanceId, reason: null }]
    const response = await this.world.coordinator.leave({ groupId, memberId: '', members })
    return response.errorCode === 0 ? response.members![0]!.errorCode : response.errorCode
  }

  /** Commits one offset; returns the error code. */
  async commit(
    topic: string,
    partition: number,
    offset: number,
    changes: { generation?: number } = {},
  ): Promise<number> {
    const { groupId, memberId, groupInstanceId } = this
    const topicId = this.world.image.topicsByName.get(topic)?.id ?? topicIdOf(topic)
    const outcome = await this.world.coordinator.commitOffsets(
      {
        groupId,
        memberId,
        groupInstanceId,
        generationIdOrMemberEpoch: changes.generation ?? this.generationId,
        retentionTimeMs: -1,
        topics: [{ name: topic, topicId, partitions: [partitionCommit(partition, offset)] }],
      },
      9,
    )
    return isRejection(outcome) ? outcome.code : outcome[0]!.partitions[0]!.errorCode
  }
}

function partitionCommit(partitionIndex: number, committedOffset: number) {
  return { partitionIndex, committedOffset, committedLeaderEpoch: -1, commitTimestamp: -1, committedMetadata: null }
}

/** Committed offset of one partition; -1: none. Throws if the request fails. */
export async function committedOffset(
  world: GroupWorld,
  groupId: string,
  topic: string,
  partition: number,
): Promise<number> {
  const topicId = world.image.topicsByName.get(topic)?.id ?? topicIdOf(topic)
  const asked = { groupId, memberId: null, memberEpoch: -1 }
  const topics = [{ name: topic, topicId, partitionIndexes: [partition] }]
  const outcome = await world.coordinator.fetchOffsets({ ...asked, topics }, false)
  if (isRejection(outcome)) throw new Error(outcome.error)
  return outcome.topics[0]!.partitions[0]!.committedOffset
}
