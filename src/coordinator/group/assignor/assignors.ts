import type { Assignor } from './assignor.ts'
import { rangeAssignor } from './range-assignor.ts'
import { uniformAssignor } from './uniform-assignor.ts'

/** Assignors by the names allowed in settings. */
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

/** Assignors named by group.consumer.assignors, the default first. Custom Java classes cannot run here. */
export function assignorsNamed(names: readonly string[]): readonly Assignor[] {
  // Cached: every heartbeat asks, with the same array until the setting changes.
  let assignors = byNames.get(names)
  if (assignors === undefined) {
    assignors = names.flatMap((name) => known.get(name) ?? [])
    byNames.set(names, assignors)
  }
  return assignors
}
