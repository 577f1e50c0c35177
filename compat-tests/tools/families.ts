import { clientMetrics } from './client-metrics.ts'
import { cluster } from './cluster.ts'
import { configs } from './configs.ts'
import { controller } from './controller.ts'
import { groups } from './groups.ts'
import { measuring } from './measuring.ts'
import { records } from './records.ts'
import { stored } from './stored.ts'
import type { ToolFamily } from './tool-case.ts'
import { topics } from './topics.ts'
import { transactions } from './transactions.ts'
import { unfinished } from './unfinished.ts'

/** Versions of the tools that are compared. */
export const versions = ['4.4.0', '4.3.1', '2.8.2']

/** All families, in the order in which they run. */
export const families: readonly ToolFamily[] = [
  ...[
    topics,
    configs,
    records,
    stored,
    groups,
    transactions,
    controller,
    clientMetrics,
    cluster,
    measuring,
    unfinished,
  ],
]
