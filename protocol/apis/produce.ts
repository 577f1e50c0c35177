import {
  api,
  array,
  int16,
  int32,
  int64,
  type RequestOf,
  type ResponseInputOf,
  records,
  string,
  struct,
  uuid,
  ZERO_UUID,
} from '../schema.ts'

/** Appends record batches. v9 flexible; v10 KIP-951 leader hints; v12 KIP-890; v13 KIP-516 topic ids. */
export const Produce = api({
  key: 0,
  name: 'Produce',
  versions: '0-13',
  flexible: '9+',
  request: {
    transactionalId: string('3+', { nullable: '3+', default: null, entity: 'transactionalId' }),
    acks: int16(),
    timeoutMs: int32(),
    topicData: array({
      name: string('0-12', { entity: 'topicName', mapKey: true, ignorable: true }),
      topicId: uuid('13+', { mapKey: true, ignorable: true }),
      partitionData: array({ index: int32(), records: records() }),
    }),
  },
  response: {
    responses: array({
      name: string('0-12', { entity: 'topicName', mapKey: true, ignorable: true, default: '' }),
      topicId: uuid('13+', { mapKey: true, ignorable: true, default: ZERO_UUID }),
      partitionResponses: array({
        index: int32(),
        errorCode: int16(),
        baseOffset: int64(),
        logAppendTimeMs: int64('2+', { default: -1, ignorable: true }),
        logStartOffset: int64('5+', { default: -1, ignorable: true }),
        recordErrors: array(
          { batchIndex: int32(), batchIndexErrorMessage: string('8+', { default: null, nullable: '8+' }) },
          '8+',
          { ignorable: true, default: [] },
        ),
        errorMessage: string('8+', { default: null, nullable: '8+', ignorable: true }),
        currentLeader: struct(
          { leaderId: int32('10+', { default: -1, entity: 'brokerId' }), leaderEpoch: int32('10+', { default: -1 }) },
          '10+',
          { tag: 0, ignorable: true },
        ),
      }),
    }),
    throttleTimeMs: int32('1+', { ignorable: true, default: 0 }),
    nodeEndpoints: array(
      {
        nodeId: int32('10+', { mapKey: true, entity: 'brokerId' }),
        host: string('10+'),
        port: int32('10+'),
        rack: string('10+', { nullable: '10+', default: null }),
      },
      '10+',
      { tag: 0, ignorable: true },
    ),
  },
})
export type ProduceRequest = RequestOf<typeof Produce>
export type ProduceResponse = ResponseInputOf<typeof Produce>
