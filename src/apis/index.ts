import { apiVersions } from './api-versions.ts'
import { deleteRecords } from './delete-records.ts'
import { describeLogDirs } from './describe-log-dirs.ts'
import { describeProducers } from './describe-producers.ts'
import { fetch } from './fetch.ts'
import type { Handler } from './handler.ts'
import { initProducerId } from './init-producer-id.ts'
import { listOffsets } from './list-offsets.ts'
import { offsetForLeaderEpoch } from './offset-for-leader-epoch.ts'
import { produce } from './produce.ts'

/** Every handler, by rising API key. What stands here is served and advertised; nothing else is. */
// biome-ignore lint/suspicious/noExplicitAny: handlers of every api stand in one list
export const handlers: readonly Handler<any>[] = [
  produce,
  fetch,
  listOffsets,
  apiVersions,
  deleteRecords,
  initProducerId,
  offsetForLeaderEpoch,
  describeLogDirs,
  describeProducers,
]
