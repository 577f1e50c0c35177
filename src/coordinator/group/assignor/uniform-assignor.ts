import type { Assignor } from './assignor.ts'
import { assignHeterogeneous } from './uniform-heterogeneous.ts'
import { assignHomogeneous } from './uniform-homogeneous.ts'

/**
 * Gives all members the same number of partitions and keeps current assignments where possible. Source:
 * UniformAssignor.
 */
export const uniformAssignor: Assignor = {
  name: 'uniform',
  assign(task) {
    if (task.members.length === 0) return new Map()
    return task.isHomogeneous ? assignHomogeneous(task) : assignHeterogeneous(task)
  },
}
