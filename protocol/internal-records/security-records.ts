import { array, bytes, int8, int32, int64, type MessageOf, metadataRecord, string, uuid } from '../schema.ts'

/** An access rule was added. */
export const AccessControlEntryRecord = metadataRecord({
  apiKey: 18,
  name: 'AccessControlEntryRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    id: uuid(),
    resourceType: int8(),
    resourceName: string(),
    patternType: int8(),
    principal: string(),
    host: string(),
    operation: int8(),
    permissionType: int8(),
  },
})
export type AccessControlEntryRecordValue = MessageOf<typeof AccessControlEntryRecord>

/** An access rule was removed. */
export const RemoveAccessControlEntryRecord = metadataRecord({
  apiKey: 19,
  name: 'RemoveAccessControlEntryRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    id: uuid(),
  },
})
export type RemoveAccessControlEntryRecordValue = MessageOf<typeof RemoveAccessControlEntryRecord>

/** SCRAM credentials of a user (KIP-900). */
export const UserScramCredentialRecord = metadataRecord({
  apiKey: 11,
  name: 'UserScramCredentialRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    name: string(),
    mechanism: int8(),
    salt: bytes(),
    storedKey: bytes(),
    serverKey: bytes(),
    iterations: int32(),
  },
})
export type UserScramCredentialRecordValue = MessageOf<typeof UserScramCredentialRecord>

/** SCRAM credentials were removed. */
export const RemoveUserScramCredentialRecord = metadataRecord({
  apiKey: 22,
  name: 'RemoveUserScramCredentialRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    name: string(),
    mechanism: int8(),
  },
})
export type RemoveUserScramCredentialRecordValue = MessageOf<typeof RemoveUserScramCredentialRecord>

/** A delegation token was created or renewed. */
export const DelegationTokenRecord = metadataRecord({
  apiKey: 10,
  name: 'DelegationTokenRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    owner: string(),
    requester: string(),
    renewers: array(string()),
    issueTimestamp: int64(),
    maxTimestamp: int64(),
    expirationTimestamp: int64(),
    tokenId: string(),
  },
})
export type DelegationTokenRecordValue = MessageOf<typeof DelegationTokenRecord>

/** A delegation token was removed. */
export const RemoveDelegationTokenRecord = metadataRecord({
  apiKey: 26,
  name: 'RemoveDelegationTokenRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    tokenId: string(),
  },
})
export type RemoveDelegationTokenRecordValue = MessageOf<typeof RemoveDelegationTokenRecord>
