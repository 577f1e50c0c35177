import { api, array, bool, int16, int32, int64, type RequestOf, type ResponseInputOf, string } from '../schema.ts'

/**
 * Sizes of replicas by log directory (KIP-113). v2 flexible; v3 top-level error; v4 KIP-827 size and free space of the
 * volume; v5 whether the directory is cordoned.
 */
export const DescribeLogDirs = api({
  key: 35,
  name: 'DescribeLogDirs',
  versions: '0-5',
  flexible: '2+',
  request: {
    // Null for all.
    topics: array(
      { topic: string({ entity: 'topicName', mapKey: true }), partitions: array(int32()) },
      { nullable: '0+' },
    ),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16('3+', { ignorable: true }),
    results: array({
      errorCode: int16(),
      logDir: string(),
      topics: array({
        name: string({ entity: 'topicName' }),
        partitions: array({ partitionIndex: int32(), partitionSize: int64(), offsetLag: int64(), isFutureKey: bool() }),
      }),
      // -1 if unknown.
      totalBytes: int64('4+', { default: -1, ignorable: true }),
      usableBytes: int64('4+', { default: -1, ignorable: true }),
      isCordoned: bool('5+', { default: false, ignorable: true }),
    }),
  },
})
export type DescribeLogDirsRequest = RequestOf<typeof DescribeLogDirs>
export type DescribeLogDirsResponse = ResponseInputOf<typeof DescribeLogDirs>
