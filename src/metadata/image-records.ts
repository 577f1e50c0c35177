import { RegisterBrokerRecord } from '../../protocol/internal-records/broker-records.ts'
import { encodeMetadataRecord } from '../../protocol/internal-records/metadata-framing.ts'
import { ProducerIdsRecord } from '../../protocol/internal-records/metadata-log-records.ts'
import {
  RemoveUserScramCredentialRecord,
  UserScramCredentialRecord,
} from '../../protocol/internal-records/security-records.ts'
import { ClientQuotaRecord, ConfigRecord, FeatureLevelRecord } from '../../protocol/internal-records/setting-records.ts'
import { ClearElrRecord, PartitionRecord, TopicRecord } from '../../protocol/internal-records/topic-records.ts'
import type { BrokerRegistration, ClusterImage } from './cluster-image.ts'
import {
  configResourceType,
  type PartitionImage,
  type QuotaEntity,
  type ScramCredential,
  type TopicImage,
} from './metadata-image.ts'
import { eligibleLeaderReplicas, partitionRecordVersion, registerBrokerRecordVersion } from './record-versions.ts'

type Features = ReadonlyMap<string, number>

/** Records that rebuild this image from an empty one: the content of a snapshot. Source: MetadataImage.write. */
export function* imageRecords(image: ClusterImage): Generator<Buffer, undefined> {
  const { features } = image
  yield* featureRecords(features)
  for (const registration of image.registrations.values()) yield registerBrokerRecord(registration, features)
  for (const topic of image.topicsByName.values()) yield* topicRecords(topic, features)
  for (const [key, settings] of image.configs) {
    const at = key.indexOf(':')
    for (const [name, value] of settings) yield configRecord(Number(key.slice(0, at)), key.slice(at + 1), name, value)
  }
  if (image.nextProducerId > 0) yield producerIdsRecord(image, -1, image.nextProducerId)
  yield* scramRecords(image.scramCredentials)
  for (const { entity, values } of image.clientQuotas.values())
    for (const [key, value] of values) yield clientQuotaRecord(entity, key, value)
  yield* image.preserved.values()
}

/** All credentials of these users. */
export function* scramRecords(users: ClusterImage['scramCredentials']): Generator<Buffer, undefined> {
  for (const [user, credentials] of users)
    for (const [mechanism, credential] of credentials) yield scramRecord(user, mechanism, credential)
}

/** A null credential removes it. */
export function scramRecord(name: string, mechanism: number, credential: ScramCredential | null): Buffer {
  if (credential === null) return encodeMetadataRecord(RemoveUserScramCredentialRecord, 0, { name, mechanism })
  return encodeMetadataRecord(UserScramCredentialRecord, 0, { name, mechanism, ...credential })
}

/** A null value removes the quota. */
export function clientQuotaRecord(entity: QuotaEntity, key: string, value: number | null): Buffer {
  return encodeMetadataRecord(ClientQuotaRecord, 0, { entity, key, value: value ?? 0, remove: value === null })
}

/** metadata.version comes first: it decides how the other records are written. */
export function* featureRecords(features: Features): Generator<Buffer, undefined> {
  const version = features.get('metadata.version')
  if (version !== undefined) yield featureRecord('metadata.version', version)
  for (const [name, level] of features) if (name !== 'metadata.version') yield featureRecord(name, level)
}

export function featureRecord(name: string, featureLevel: number): Buffer {
  return encodeMetadataRecord(FeatureLevelRecord, 0, { name, featureLevel })
}

export function* topicRecords(topic: TopicImage, features: Features): Generator<Buffer, undefined> {
  yield encodeMetadataRecord(TopicRecord, 0, { name: topic.name, topicId: topic.id })
  for (const [index, partition] of topic.partitions.entries())
    yield partitionRecord(topic.id, index, partition, features)
}

export function partitionRecord(
  topicId: string,
  partitionId: number,
  partition: PartitionImage,
  features: Features,
): Buffer {
  const version = partitionRecordVersion(features)
  const { eligibleLeaderReplicas, lastKnownEligibleLeaderReplicas } = partition
  return encodeMetadataRecord(PartitionRecord, version, {
    partitionId,
    topicId,
    replicas: partition.replicas,
    isr: partition.isr,
    removingReplicas: partition.removingReplicas,
    addingReplicas: partition.addingReplicas,
    leader: partition.leader,
    leaderRecoveryState: Number(partition.isRecovering),
    leaderEpoch: partition.leaderEpoch,
    partitionEpoch: partition.partitionEpoch,
    directories: version >= 1 ? partition.directories : [],
    eligibleLeaderReplicas: eligibleLeaderReplicas.length > 0 ? eligibleLeaderReplicas : null,
    lastKnownElr: lastKnownEligibleLeaderReplicas.length > 0 ? lastKnownEligibleLeaderReplicas : null,
  })
}

/** A null value removes the setting. */
export function configRecord(resourceType: number, resourceName: string, name: string, value: string | null): Buffer {
  return encodeMetadataRecord(ConfigRecord, 0, { resourceType, resourceName, name, value })
}

/**
 * Records that end the eligibility of replicas where a change of min.insync.replicas makes it doubtful (KIP-966). An
 * empty topic stands for all. Source: ConfigurationControlManager.createClearElrRecordsAsNeeded.
 */
export function clearElrRecords(
  changed: Iterable<{ readonly resourceType: number; readonly resourceName: string; readonly name: string }>,
  features: Features,
): Buffer[] {
  if (!eligibleLeaderReplicas(features)) return []
  return [...changed]
    .filter(({ name }) => name === 'min.insync.replicas')
    .map(({ resourceType, resourceName }) =>
      encodeMetadataRecord(ClearElrRecord, 0, {
        topicName: resourceType === configResourceType.topic ? resourceName : '',
      }),
    )
}

export function producerIdsRecord(image: ClusterImage, brokerId: number, nextProducerId: number): Buffer {
  const brokerEpoch = image.registrations.get(brokerId)?.epoch ?? -1
  return encodeMetadataRecord(ProducerIdsRecord, 0, { brokerId, brokerEpoch, nextProducerId })
}

export function registerBrokerRecord(registration: BrokerRegistration, features: Features): Buffer {
  const version = registerBrokerRecordVersion(features)
  return encodeMetadataRecord(RegisterBrokerRecord, version, {
    brokerId: registration.nodeId,
    incarnationId: registration.incarnationId,
    brokerEpoch: registration.epoch,
    endPoints: registration.listeners,
    features: registration.supportedFeatures,
    rack: registration.rack,
    fenced: registration.fenced,
    inControlledShutdown: registration.inControlledShutdown,
    logDirs: version >= 3 ? registration.directories : [],
    // Null says that the broker has not told yet which are cordoned. Ours always has.
    cordonedLogDirs: version >= 4 ? registration.cordonedDirectories : null,
  })
}
