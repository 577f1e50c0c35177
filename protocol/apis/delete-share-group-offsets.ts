import { api, array, int16, int32, type RequestOf, type ResponseInputOf, string, uuid } from '../schema.ts'

/** Deletes a share group's offsets by topic (KIP-932). */
export const DeleteShareGroupOffsets = api({
  key: 92,
  name: 'DeleteShareGroupOffsets',
  versions: '0',
  flexible: '0+',
  request: {
    groupId: string({ entity: 'groupId' }),
    topics: array({ topicName: string({ entity: 'topicName' }) }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    errorMessage: string({ nullable: '0+', default: null }),
    responses: array({
      topicName: string({ entity: 'topicName' }),
      topicId: uuid(),
      errorCode: int16(),
      errorMessage: string({ nullable: '0+', default: null }),
    }),
  },
})
export type DeleteShareGroupOffsetsRequest = RequestOf<typeof DeleteShareGroupOffsets>
export type DeleteShareGroupOffsetsResponse = ResponseInputOf<typeof DeleteShareGroupOffsets>
