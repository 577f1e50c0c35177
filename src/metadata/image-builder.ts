import {
  BrokerRegistrationChangeRecord,
  FenceBrokerRecord,
  RegisterBrokerRecord,
  UnfenceBrokerRecord,
  UnregisterBrokerRecord,
} from '../../protocol/internal-records/broker-records.ts'
import type { MetadataRecord } from '../../protocol/internal-records/metadata-framing.ts'
import {
  AbortTransactionRecord,
  BeginTransactionRecord,
  EndTransactionRecord,
  ProducerIdsRecord,
} from '../../protocol/internal-records/metadata-log-records.ts'
import {
  RemoveUserScramCredentialRecord,
  UserScramCredentialRecord,
} from '../../protocol/internal-records/security-records.ts'
import { ClientQuotaRecord, ConfigRecord, FeatureLevelRecord } from '../../protocol/internal-records/setting-records.ts'
import {
  ClearElrRecord,
  PartitionChangeRecord,
  PartitionRecord,
  RemoveTopicRecord,
  TopicRecord,
} from '../../protocol/internal-records/topic-records.ts'
import { invariant } from '../../protocol/invariant.ts'
import type { MessageOf } from '../../protocol/schema.ts'
import type { BrokerRegistration, ClusterImage } from './cluster-image.ts'
import {
  type ClientQuotas,
  configResourceKey,
  configResourceType,
  type PartitionImage,
  quotaEntityKey,
  type ScramCredential,
  type TopicImage,
} from './metadata-image.ts'
import type { MetadataChange } from './metadata-store.ts'
import { changedPartition } from './partition-change.ts'
import { preservedKey } from './preserved-records.ts'
import type { ShardedMapChange } from './sharded-map.ts'
import { hasCollisionCharacters, isInternalTopic, unifiedName } from './topic-names.ts'

/** Values of PartitionChangeRecord.leader and leaderRecoveryState. */
const NO_LEADER_CHANGE = -2
const NO_RECOVERY_CHANGE = -1
const RECOVERING = 1

interface Framed {
  readonly record: MetadataRecord
  readonly bytes: Buffer
}

/** A topic copied by this builder: its partitions may be changed in place. */
interface OwnTopic extends TopicImage {
  readonly partitions: PartitionImage[]
}

/**
 * Replays records onto an image; decides nothing. One builder makes one new image, which shares unchanged parts with
 * the old one. Source: MetadataDelta and its parts.
 */
export class ImageBuilder {
  readonly #before: ClusterImage
  readonly #byName: ShardedMapChange<TopicImage>
  readonly #byId: ShardedMapChange<TopicImage>
  readonly #byUnifiedName: ShardedMapChange<readonly string[]>
  readonly #configs: ShardedMapChange<ReadonlyMap<string, string>>
  readonly #preserved: ShardedMapChange<Buffer>
  readonly #registrations: Map<number, BrokerRegistration>
  readonly #features: Map<string, number>
  readonly #scram: Map<string, ReadonlyMap<number, ScramCredential>>
  readonly #quotas: Map<string, ClientQuotas>
  #nextProducerId: number
  readonly #changed = new Map<string, OwnTopic>()
  readonly #ownConfigs = new Map<string, Map<string, string>>()
  readonly #deleted: TopicImage[] = []
  /** Records since BeginTransactionRecord. They take effect with EndTransactionRecord (KIP-868). */
  #open: Framed[] | undefined

  constructor(before: ClusterImage) {
    this.#before = before
    this.#byName = before.topicsByName.change()
    this.#byId = before.topicsById.change()
    this.#byUnifiedName = before.topicsByUnifiedName.change()
    this.#configs = before.configs.change()
    this.#preserved = before.preserved.change()
    this.#registrations = new Map(before.registrations)
    this.#features = new Map(before.features)
    this.#scram = new Map(before.scramCredentials)
    this.#quotas = new Map(before.clientQuotas)
    this.#nextProducerId = before.nextProducerId
  }

  /** Replays the next record. bytes: its encoded value. */
  replay(record: MetadataRecord, bytes: Buffer): void {
    if (record.as(BeginTransactionRecord) !== undefined) this.#open = []
    else if (record.as(AbortTransactionRecord) !== undefined) this.#open = undefined
    else if (record.as(EndTransactionRecord) !== undefined) this.#commit()
    else if (this.#open !== undefined) this.#open.push({ record, bytes })
    else this.#apply(record, bytes)
  }

  #commit(): void {
    const records = this.#open ?? []
    this.#open = undefined
    for (const { record, bytes } of records) this.#apply(record, bytes)
  }

  #apply(record: MetadataRecord, bytes: Buffer): void {
    const apply = appliers.get(record.schema.apiKey)
    if (apply !== undefined) {
      apply(this, record)
      return
    }
    const preserved = preservedKey(record)
    if (preserved === undefined) return
    if (preserved.removes) this.#preserved.delete(preserved.key)
    else this.#preserved.set(preserved.key, Buffer.from(bytes))
  }

  /** The new image and its difference from the old one. */
  finish(at: { endOffset: number; controllerId: number; controllerEpoch: number }): {
    readonly image: ClusterImage
    readonly change: MetadataChange
  } {
    const image: ClusterImage = {
      clusterId: this.#before.clusterId,
      ...at,
      brokers: this.#registrations,
      registrations: this.#registrations,
      topicsByName: this.#byName.finish(),
      topicsById: this.#byId.finish(),
      topicsByUnifiedName: this.#byUnifiedName.finish(),
      configs: this.#configs.finish(),
      preserved: this.#preserved.finish(),
      features: this.#features,
      nextProducerId: this.#nextProducerId,
      scramCredentials: this.#scram,
      clientQuotas: this.#quotas,
    }
    const change: MetadataChange = {
      topicsChanged: [...this.#changed.values()],
      topicsDeleted: this.#deleted,
      configsChanged: [...this.#ownConfigs.keys()],
    }
    return { image, change }
  }

  createTopic({ name, topicId }: MessageOf<typeof TopicRecord>): void {
    const topic: OwnTopic = { name, id: topicId, internal: isInternalTopic(name), partitions: [] }
    this.#putTopic(topic)
    if (!hasCollisionCharacters(name)) return
    const unified = unifiedName(name)
    this.#byUnifiedName.set(unified, [...(this.#byUnifiedName.get(unified) ?? []), name])
  }

  createPartition(record: MessageOf<typeof PartitionRecord>): void {
    this.#ownTopic(record.topicId).partitions[record.partitionId] = {
      leader: record.leader,
      leaderEpoch: record.leaderEpoch,
      partitionEpoch: record.partitionEpoch,
      replicas: record.replicas,
      isr: record.isr,
      addingReplicas: record.addingReplicas,
      removingReplicas: record.removingReplicas,
      eligibleLeaderReplicas: record.eligibleLeaderReplicas ?? [],
      lastKnownEligibleLeaderReplicas: record.lastKnownElr ?? [],
      isRecovering: record.leaderRecoveryState === RECOVERING,
      directories: record.directories,
    }
  }

  changePartition(record: MessageOf<typeof PartitionChangeRecord>): void {
    const { partitions } = this.#ownTopic(record.topicId)
    const before = partitions[record.partitionId]
    invariant(before !== undefined, `no partition ${record.partitionId} of topic ${record.topicId} to change`)
    partitions[record.partitionId] = changedPartition(before, {
      ...(record.leader === NO_LEADER_CHANGE ? {} : { leader: record.leader }),
      ...(record.leaderRecoveryState === NO_RECOVERY_CHANGE
        ? {}
        : { isRecovering: record.leaderRecoveryState === RECOVERING }),
      replicas: record.replicas ?? before.replicas,
      isr: record.isr ?? before.isr,
      addingReplicas: record.addingReplicas ?? before.addingReplicas,
      removingReplicas: record.removingReplicas ?? before.removingReplicas,
      eligibleLeaderReplicas: record.eligibleLeaderReplicas ?? before.eligibleLeaderReplicas,
      lastKnownEligibleLeaderReplicas: record.lastKnownElr ?? before.lastKnownEligibleLeaderReplicas,
      directories: record.directories ?? before.directories,
    })
  }

  removeTopic({ topicId }: MessageOf<typeof RemoveTopicRecord>): void {
    const topic = this.#byId.get(topicId)
    invariant(topic !== undefined, `no topic ${topicId} to remove`)
    this.#byId.delete(topicId)
    this.#byName.delete(topic.name)
    this.#changed.delete(topicId)
    if (this.#before.topicsById.has(topicId)) this.#deleted.push(topic)
    this.#removeConfigs(configResourceKey(configResourceType.topic, topic.name))
    const unified = unifiedName(topic.name)
    const others = this.#byUnifiedName.get(unified)?.filter((name) => name !== topic.name)
    if (others === undefined) return
    if (others.length === 0) this.#byUnifiedName.delete(unified)
    else this.#byUnifiedName.set(unified, others)
  }

  /** An empty name clears those of all topics. Source: TopicDelta.maybeClearElr. */
  clearEligibleLeaders({ topicName }: MessageOf<typeof ClearElrRecord>): void {
    const all = () => new Set([...this.#before.topicsById.keys(), ...this.#changed.keys()])
    for (const id of topicName === '' ? all() : [this.#byName.get(topicName)?.id]) {
      const topic = id === undefined ? undefined : this.#byId.get(id)
      if (topic?.partitions.some(hasEligibleLeaders) === true) this.#clearEligibleLeadersOf(topic.id)
    }
  }

  #clearEligibleLeadersOf(topicId: string): void {
    const { partitions } = this.#ownTopic(topicId)
    const none = { eligibleLeaderReplicas: [], lastKnownEligibleLeaderReplicas: [] }
    partitions.forEach((partition, index) => {
      if (hasEligibleLeaders(partition)) partitions[index] = changedPartition(partition, none)
    })
  }

  setConfig(record: MessageOf<typeof ConfigRecord>): void {
    const key = configResourceKey(record.resourceType, record.resourceName)
    let own = this.#ownConfigs.get(key)
    if (own === undefined) {
      own = new Map(this.#configs.get(key))
      this.#ownConfigs.set(key, own)
    }
    if (record.value === null) own.delete(record.name)
    else own.set(record.name, record.value)
    if (own.size === 0) this.#configs.delete(key)
    else this.#configs.set(key, own)
  }

  #removeConfigs(key: string): void {
    if (this.#configs.get(key) === undefined) return
    this.#configs.delete(key)
    this.#ownConfigs.set(key, new Map())
  }

  setFeature({ name, featureLevel }: MessageOf<typeof FeatureLevelRecord>): void {
    if (featureLevel === 0) this.#features.delete(name)
    else this.#features.set(name, featureLevel)
  }

  setProducerIds({ nextProducerId }: MessageOf<typeof ProducerIdsRecord>): void {
    this.#nextProducerId = nextProducerId
  }

  setScramCredential(user: string, mechanism: number, credential: ScramCredential | null): void {
    const credentials = new Map(this.#scram.get(user))
    if (credential === null) credentials.delete(mechanism)
    else credentials.set(mechanism, credential)
    if (credentials.size === 0) this.#scram.delete(user)
    else this.#scram.set(user, credentials)
  }

  setQuota({ entity, key, value, remove }: MessageOf<typeof ClientQuotaRecord>): void {
    const entityKey = quotaEntityKey(entity)
    const values = new Map(this.#quotas.get(entityKey)?.values)
    if (remove) values.delete(key)
    else values.set(key, value)
    if (values.size === 0) this.#quotas.delete(entityKey)
    else this.#quotas.set(entityKey, { entity, values })
  }

  registerBroker(record: MessageOf<typeof RegisterBrokerRecord>): void {
    this.#registrations.set(record.brokerId, {
      nodeId: record.brokerId,
      epoch: record.brokerEpoch,
      rack: record.rack,
      fenced: record.fenced,
      inControlledShutdown: record.inControlledShutdown,
      incarnationId: record.incarnationId,
      endpoints: new Map(record.endPoints.map(({ name, host, port }) => [name, { host, port }])),
      listeners: record.endPoints,
      supportedFeatures: record.features,
      directories: record.logDirs,
      cordonedDirectories: record.cordonedLogDirs ?? [],
    })
  }

  changeBroker(brokerId: number, change: Partial<BrokerRegistration>): void {
    const before = this.#registrations.get(brokerId)
    invariant(before !== undefined, `no broker ${brokerId} to change`)
    this.#registrations.set(brokerId, { ...before, ...change })
  }

  unregisterBroker(brokerId: number): void {
    this.#registrations.delete(brokerId)
  }

  #ownTopic(topicId: string): OwnTopic {
    const own = this.#changed.get(topicId)
    if (own !== undefined) return own
    const topic = this.#byId.get(topicId)
    invariant(topic !== undefined, `no topic ${topicId}`)
    const copy: OwnTopic = { ...topic, partitions: [...topic.partitions] }
    this.#putTopic(copy)
    return copy
  }

  #putTopic(topic: OwnTopic): void {
    this.#changed.set(topic.id, topic)
    this.#byName.set(topic.name, topic)
    this.#byId.set(topic.id, topic)
  }
}

function hasEligibleLeaders({ eligibleLeaderReplicas, lastKnownEligibleLeaderReplicas }: PartitionImage): boolean {
  return eligibleLeaderReplicas.length > 0 || lastKnownEligibleLeaderReplicas.length > 0
}

type Applier = (builder: ImageBuilder, record: MetadataRecord) => void

/** Effects by record type. Other types are preserved or have no effect. */
const appliers: ReadonlyMap<number, Applier> = new Map<number, Applier>([
  [TopicRecord.apiKey, (builder, record) => builder.createTopic(record.as(TopicRecord)!)],
  [PartitionRecord.apiKey, (builder, record) => builder.createPartition(record.as(PartitionRecord)!)],
  [PartitionChangeRecord.apiKey, (builder, record) => builder.changePartition(record.as(PartitionChangeRecord)!)],
  [RemoveTopicRecord.apiKey, (builder, record) => builder.removeTopic(record.as(RemoveTopicRecord)!)],
  [ClearElrRecord.apiKey, (builder, record) => builder.clearEligibleLeaders(record.as(ClearElrRecord)!)],
  [ConfigRecord.apiKey, (builder, record) => builder.setConfig(record.as(ConfigRecord)!)],
  [FeatureLevelRecord.apiKey, (builder, record) => builder.setFeature(record.as(FeatureLevelRecord)!)],
  [ProducerIdsRecord.apiKey, (builder, record) => builder.setProducerIds(record.as(ProducerIdsRecord)!)],
  [ClientQuotaRecord.apiKey, (builder, record) => builder.setQuota(record.as(ClientQuotaRecord)!)],
  [
    UserScramCredentialRecord.apiKey,
    (builder, record) => {
      const { name, mechanism, iterations, ...keys } = record.as(UserScramCredentialRecord)!
      // Copy: the decoded buffers are views of the file's bytes.
      const [salt, storedKey, serverKey] = [keys.salt, keys.storedKey, keys.serverKey].map((each) =>
        Buffer.from(each),
      ) as [Buffer, Buffer, Buffer]
      builder.setScramCredential(name, mechanism, { iterations, salt, storedKey, serverKey })
    },
  ],
  [
    RemoveUserScramCredentialRecord.apiKey,
    (builder, record) => {
      const { name, mechanism } = record.as(RemoveUserScramCredentialRecord)!
      builder.setScramCredential(name, mechanism, null)
    },
  ],
  [RegisterBrokerRecord.apiKey, (builder, record) => builder.registerBroker(record.as(RegisterBrokerRecord)!)],
  [
    UnregisterBrokerRecord.apiKey,
    (builder, record) => builder.unregisterBroker(record.as(UnregisterBrokerRecord)!.brokerId),
  ],
  [
    FenceBrokerRecord.apiKey,
    (builder, record) => builder.changeBroker(record.as(FenceBrokerRecord)!.id, { fenced: true }),
  ],
  [
    UnfenceBrokerRecord.apiKey,
    (builder, record) => builder.changeBroker(record.as(UnfenceBrokerRecord)!.id, { fenced: false }),
  ],
  [
    BrokerRegistrationChangeRecord.apiKey,
    (builder, record) => {
      const { brokerId, fenced, inControlledShutdown, logDirs, cordonedLogDirs } =
        record.as(BrokerRegistrationChangeRecord)!
      builder.changeBroker(brokerId, {
        ...(fenced === 0 ? {} : { fenced: fenced === 1 }),
        ...(inControlledShutdown === 0 ? {} : { inControlledShutdown: inControlledShutdown === 1 }),
        ...(logDirs.length === 0 ? {} : { directories: logDirs }),
        ...(cordonedLogDirs === null ? {} : { cordonedDirectories: cordonedLogDirs }),
      })
    },
  ],
])
