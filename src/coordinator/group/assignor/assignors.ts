import type { Assignor } from './assignor.ts'
import { rangeAssignor } from './range-assignor.ts'
import { uniformAssignor } from './uniform-assignor.ts'

/** Assignors by the names that settings may call them. */
const known = new Map<string, Assignor>(
  [uniformAssignor, rangeAssignor].flatMap((assignor) => {
    const [first = '', ...rest] = assignor.name
    const className = `org.apache.kafka.coordinator.group.assignor.${first.toUpperCase()}${rest.join('')}Assignor`
    return [
      [assignor.name, assignor],
      [className, assignor],
    ]
  }),
)

const byNames = new WeakMap<readonly string[], readonly Assignor[]>()

/** The assignors that group.consumer.assignors names, the default first. Classes of others cannot run here. */
export function assignorsNamed(names: readonly string[]): readonly Assignor[] {
  // Asked with each heartbeat, while the setting is one and the same.
  let assignors = byNames.get(names)
  if (assignors === undefined) {
    assignors = names.flatMap((name) => known.get(name) ?? [])
    byNames.set(names, assignors)
  }
  return assignors
}
