import type { ClassicGroup } from './classic/classic-group.ts'
import type { ConsumerGroup } from './consumer/consumer-group.ts'

/** A group of either protocol, told apart by `kind`. */
export type Group = ClassicGroup | ConsumerGroup
