import { RegisterControllerRecord, UnregisterControllerRecord } from '../../protocol/internal-records/broker-records.ts'
import type { MetadataRecord } from '../../protocol/internal-records/metadata-framing.ts'
import { ZkMigrationRecord } from '../../protocol/internal-records/metadata-log-records.ts'
import {
  AccessControlEntryRecord,
  DelegationTokenRecord,
  RemoveAccessControlEntryRecord,
  RemoveDelegationTokenRecord,
} from '../../protocol/internal-records/security-records.ts'

/**
 * Key of a record that is kept without being interpreted. A later record with the same key replaces it. Snapshots keep
 * these records, since Kafka needs them. Undefined for records without lasting effect.
 */
export function preservedKey(record: MetadataRecord): { readonly key: string; readonly removes: boolean } | undefined {
  return controllerKey(record) ?? securityKey(record) ?? migrationKey(record)
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
  const token = record.as(DelegationTokenRecord)
  if (token !== undefined) return { key: `token ${token.tokenId}`, removes: false }
  const removedToken = record.as(RemoveDelegationTokenRecord)
  return removedToken === undefined ? undefined : { key: `token ${removedToken.tokenId}`, removes: true }
}

function migrationKey(record: MetadataRecord) {
  return record.as(ZkMigrationRecord) === undefined ? undefined : { key: 'migration', removes: false }
}
