import type { Assignor } from './assignor.ts'
import { assignHeterogeneous } from './uniform-heterogeneous.ts'
import { assignHomogeneous } from './uniform-homogeneous.ts'

/** Gives every member as many partitions as any other, and leaves with each what it has. Source: UniformAssignor. */
export const uniformAssignor: Assignor = {
  name: 'uniform',
  assign(task) {
    if (task.members.length === 0) return new Map()
    return task.isHomogeneous ? assignHomogeneous(task) : assignHeterogeneous(task)
  },
}
