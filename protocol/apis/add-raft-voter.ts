import {
  api,
  array,
  bool,
  int16,
  int32,
  type RequestOf,
  type ResponseInputOf,
  string,
  uint16,
  uuid,
} from '../schema.ts'

/**
 * Adds a controller to the voters of the metadata quorum (KIP-853). v1 can request a response before the change is
 * committed.
 */
export const AddRaftVoter = api({
  key: 80,
  name: 'AddRaftVoter',
  versions: '0-1',
  flexible: '0+',
  request: {
    clusterId: string({ nullable: '0+' }),
    timeoutMs: int32(),
    voterId: int32(),
    voterDirectoryId: uuid(),
    listeners: array({ name: string({ mapKey: true }), host: string(), port: uint16() }),
    ackWhenCommitted: bool('1+', { default: true }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    errorMessage: string({ nullable: '0+', default: null, ignorable: true }),
  },
})
export type AddRaftVoterRequest = RequestOf<typeof AddRaftVoter>
export type AddRaftVoterResponse = ResponseInputOf<typeof AddRaftVoter>
