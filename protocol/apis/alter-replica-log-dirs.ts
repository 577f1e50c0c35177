import { api, array, int16, int32, type RequestOf, type ResponseInputOf, string } from '../schema.ts'

/** Moves replicas between the log directories of a broker (KIP-113). v2 flexible. */
export const AlterReplicaLogDirs = api({
  key: 34,
  name: 'AlterReplicaLogDirs',
  versions: '0-2',
  flexible: '2+',
  request: {
    dirs: array({
      path: string({ mapKey: true }),
      topics: array({ name: string({ entity: 'topicName', mapKey: true }), partitions: array(int32()) }),
    }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    results: array({
      topicName: string({ entity: 'topicName' }),
      partitions: array({ partitionIndex: int32(), errorCode: int16() }),
    }),
  },
})
export type AlterReplicaLogDirsRequest = RequestOf<typeof AlterReplicaLogDirs>
export type AlterReplicaLogDirsResponse = ResponseInputOf<typeof AlterReplicaLogDirs>
