import { compressed } from './compressed.ts'
import { committedOffsets, fullRebalance, heartbeats } from './groups.ts'
import { latency } from './latency.ts'
import { mixed, mixedSaturated } from './mixed.ts'
import { partitions } from './partitions.ts'
import type { Section } from './section.ts'
import { segments } from './segments.ts'
import { start } from './start.ts'
import { storage } from './storage.ts'
import { throughput } from './throughput.ts'
import { committedLatency, isolation, transactionalIds, transactions } from './transactions.ts'
import { turns } from './turns.ts'

/**
 * Every part of `npm run bench`, in the order in which they run. To add one, add a file here and an entry in this list.
 */
export const sections: readonly Section[] = [
  start,
  partitions,
  segments,
  storage,
  throughput(100),
  throughput(1000),
  compressed(64_000),
  compressed(1_000_000),
  latency,
  mixed,
  mixedSaturated,
  fullRebalance,
  heartbeats,
  committedOffsets,
  transactions,
  committedLatency,
  isolation,
  transactionalIds,
  turns,
]
