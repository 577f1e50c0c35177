import type { ClassicGroup } from './classic/classic-group.ts'
import type { ConsumerGroup } from './consumer/consumer-group.ts'

/** Group of either protocol; `kind` tells which. */
export type Group = ClassicGroup | ConsumerGroup
