import { api, array, int16, int32, int64, type RequestOf, type ResponseInputOf, string } from '../schema.ts'

/** Raises a partition's log start offset; -1 means to the high watermark (KIP-107). v2 flexible. */
export const DeleteRecords = api({
  key: 21,
  name: 'DeleteRecords',
  versions: '0-2',
  flexible: '2+',
  request: {
    topics: array({
      name: string({ entity: 'topicName' }),
      partitions: array({
        partitionIndex: int32(),
        // -1: to the high watermark.
        offset: int64(),
      }),
    }),
    timeoutMs: int32(),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    topics: array({
      name: string({ entity: 'topicName', mapKey: true }),
      partitions: array({ partitionIndex: int32({ mapKey: true }), lowWatermark: int64(), errorCode: int16() }),
    }),
  },
})
export type DeleteRecordsRequest = RequestOf<typeof DeleteRecords>
export type DeleteRecordsResponse = ResponseInputOf<typeof DeleteRecords>
