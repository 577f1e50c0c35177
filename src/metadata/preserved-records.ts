import { RegisterControllerRecord, UnregisterControllerRecord } from '../../protocol/internal-records/broker-records.ts'
import type { MetadataRecord } from '../../protocol/internal-records/metadata-framing.ts'
import { ZkMigrationRecord } from '../../protocol/internal-records/metadata-log-records.ts'
import {
  AccessControlEntryRecord,
  DelegationTokenRecord,
  RemoveAccessControlEntryRecord,
  RemoveDelegationTokenRecord,
  RemoveUserScramCredentialRecord,
  UserScramCredentialRecord,
} from '../../protocol/internal-records/security-records.ts'
import { ClientQuotaRecord } from '../../protocol/internal-records/setting-records.ts'

/**
 * Which earlier record a record takes the place of, for kinds whose values are kept as they came: what Kafka wrote must
 * outlive a snapshot even where nothing here looks at it. Undefined: a record without lasting effect.
 */
export function preservedKey(record: MetadataRecord): { readonly key: string; readonly removes: boolean } | undefined {
  return controllerKey(record) ?? securityKey(record) ?? quotaKey(record) ?? migrationKey(record)
}

function controllerKey(record: MetadataRecord) {
  const registered = record.as(RegisterControllerRecord)
  if (registered !== undefined) return { key: `controller ${registered.controllerId}`, removes: false }
  const gone = record.as(UnregisterControllerRecord)
  return gone === undefined ? undefined : { key: `controller ${gone.controllerId}`, removes: true }
}

function securityKey(record: MetadataRecord) {
  const acl = record.as(AccessControlEntryRecord)
  if (acl !== undefined) return { key: `acl ${acl.id}`, removes: false }
  const removedAcl = record.as(RemoveAccessControlEntryRecord)
  if (removedAcl !== undefined) return { key: `acl ${removedAcl.id}`, removes: true }
  const scram = record.as(UserScramCredentialRecord)
  if (scram !== undefined) return { key: `scram ${scram.mechanism} ${scram.name}`, removes: false }
  const removedScram = record.as(RemoveUserScramCredentialRecord)
  if (removedScram !== undefined) return { key: `scram ${removedScram.mechanism} ${removedScram.name}`, removes: true }
  const token = record.as(DelegationTokenRecord)
  if (token !== undefined) return { key: `token ${token.tokenId}`, removes: false }
  const removedToken = record.as(RemoveDelegationTokenRecord)
  return removedToken === undefined ? undefined : { key: `token ${removedToken.tokenId}`, removes: true }
}

function quotaKey(record: MetadataRecord) {
  const quota = record.as(ClientQuotaRecord)
  if (quota === undefined) return undefined
  const entity = quota.entity.map(({ entityType, entityName }) => [entityType, entityName]).sort()
  return { key: `quota ${JSON.stringify(entity)} ${quota.key}`, removes: quota.remove }
}

function migrationKey(record: MetadataRecord) {
  return record.as(ZkMigrationRecord) === undefined ? undefined : { key: 'migration', removes: false }
}
