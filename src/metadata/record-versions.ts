/**
 * Record versions by feature level: written so that every Kafka that may read the log can parse it. Source:
 * MetadataVersion and ImageWriterOptions of Kafka 4.4.
 */
const migrationSupported = 8 // 3.4-IV0
const scramCredentials = 11 // 3.5-IV2
const shrinkWithoutEpoch = 12 // 3.6-IV0
const controllerRegistration = 15 // 3.7-IV0
const directoryAssignment = 17 // 3.7-IV2
const eligibleReplicas = 23 // 4.0-IV1
const cordonedDirectories = 30 // 4.3-IV0

/** Feature levels of a new cluster: the newest production-ready ones of Kafka 4.4. */
export const newClusterFeatures: ReadonlyMap<string, number> = new Map([
  ['metadata.version', 33],
  ['eligible.leader.replicas.version', 1],
  ['group.version', 1],
  ['share.version', 2],
  ['streams.version', 1],
  ['transaction.version', 2],
])

/** Feature levels that this broker supports, in Kafka's order. */
export const supportedFeatures = [
  { name: 'group.version', minSupportedVersion: 0, maxSupportedVersion: 1 },
  { name: 'transaction.version', minSupportedVersion: 0, maxSupportedVersion: 2 },
  { name: 'eligible.leader.replicas.version', minSupportedVersion: 0, maxSupportedVersion: 1 },
  { name: 'kraft.version', minSupportedVersion: 0, maxSupportedVersion: 1 },
  { name: 'metadata.version', minSupportedVersion: 7, maxSupportedVersion: 33 },
  { name: 'share.version', minSupportedVersion: 0, maxSupportedVersion: 2 },
  { name: 'streams.version', minSupportedVersion: 0, maxSupportedVersion: 1 },
] as const

type Features = ReadonlyMap<string, number>

function metadataVersion(features: Features): number {
  return features.get('metadata.version') ?? 0
}

/** True if eligible leader replicas are in use, which depend on the cluster's min.insync.replicas (KIP-966). */
export function eligibleLeaderReplicas(features: Features): boolean {
  return (features.get('eligible.leader.replicas.version') ?? 0) > 0
}

export function partitionRecordVersion(features: Features): number {
  const version = metadataVersion(features)
  if (version >= eligibleReplicas) return 2
  return version >= directoryAssignment ? 1 : 0
}

export function registerBrokerRecordVersion(features: Features): number {
  const version = metadataVersion(features)
  if (version >= cordonedDirectories) return 4
  if (version >= directoryAssignment) return 3
  return version >= migrationSupported ? 2 : 1
}

/** True if the log has the directories of replicas (KIP-858). */
export function directoriesSupported(features: Features): boolean {
  return metadataVersion(features) >= directoryAssignment
}

/** True if a leader starts a new epoch when a replica leaves its in-sync replicas (KAFKA-15021). */
export function isrShrinkStartsEpoch(features: Features): boolean {
  return metadataVersion(features) < shrinkWithoutEpoch
}

/** True if controllers are registered in the log (KIP-919). */
export function controllersRegister(features: Features): boolean {
  return metadataVersion(features) >= controllerRegistration
}

/** True if credentials of users can be in the log (KIP-900). */
export function scramSupported(features: Features): boolean {
  return metadataVersion(features) >= scramCredentials
}
