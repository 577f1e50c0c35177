import { api, array, int16, int32, type RequestOf, type ResponseInputOf, string } from '../schema.ts'

/** Deletes committed offsets of topics that the group does not subscribe to (KIP-496). Never flexible. */
export const OffsetDelete = api({
  key: 47,
  name: 'OffsetDelete',
  versions: '0',
  flexible: 'none',
  request: {
    groupId: string({ entity: 'groupId' }),
    topics: array({
      name: string({ entity: 'topicName', mapKey: true }),
      partitions: array({ partitionIndex: int32() }),
    }),
  },
  response: {
    errorCode: int16(),
    throttleTimeMs: int32({ default: 0, ignorable: true }),
    topics: array({
      name: string({ entity: 'topicName', mapKey: true }),
      partitions: array({ partitionIndex: int32({ mapKey: true }), errorCode: int16() }),
    }),
  },
})
export type OffsetDeleteRequest = RequestOf<typeof OffsetDelete>
export type OffsetDeleteResponse = ResponseInputOf<typeof OffsetDelete>
