import { api, array, int16, int32, type RequestOf, type ResponseInputOf, string, uuid } from '../schema.ts'

/**
 * Deletes topics, by name or (v6) by id. v1 throttle time; v3 TOPIC_DELETION_DISABLED; v4 flexible; v5 error message
 * and KIP-599 throttling; v6 KIP-516 ids, exactly one of name and id is set.
 */
export const DeleteTopics = api({
  key: 20,
  name: 'DeleteTopics',
  versions: '0-6',
  flexible: '4+',
  request: {
    topics: array({ name: string({ nullable: '6+', default: null, entity: 'topicName' }), topicId: uuid() }, '6+'),
    topicNames: array(string(), '0-5', { ignorable: true, entity: 'topicName' }),
    timeoutMs: int32(),
  },
  response: {
    throttleTimeMs: int32('1+', { default: 0, ignorable: true }),
    responses: array({
      name: string({ nullable: '6+', entity: 'topicName', mapKey: true }),
      topicId: uuid('6+', { ignorable: true }),
      errorCode: int16(),
      errorMessage: string('5+', { nullable: '5+', default: null, ignorable: true }),
    }),
  },
})
export type DeleteTopicsRequest = RequestOf<typeof DeleteTopics>
export type DeleteTopicsResponse = ResponseInputOf<typeof DeleteTopics>
