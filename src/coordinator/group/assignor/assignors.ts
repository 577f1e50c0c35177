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

/** The assignors that group.consumer.assignors names, the default first. Classes of others cannot run here. */
export function assignorsNamed(names: readonly string[]): Assignor[] {
  return names.flatMap((name) => known.get(name) ?? [])
}
