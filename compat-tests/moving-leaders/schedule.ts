import type { SeededRandom } from '../../storage/host/seeded-random.ts'

const NODE_IDS = [1, 2, 3]

/** What may be moved. */
export interface Movables {
  readonly topics: readonly string[]
  readonly partitions: number
  readonly groups: readonly string[]
  /** Default: none. */
  readonly transactionalIds?: readonly string[]
}

/**
 * A step of a schedule: a command of brokers-process.ts or `rejoin GROUP MEMBER`, and how long to wait after it.
 */
export interface Step {
  readonly command: string
  readonly pauseMs: number
}

/**
 * Endless commands in an order that follows from the random numbers alone: brokers are killed, stopped and started,
 * leaders and coordinators move, members rejoin their groups. One broker is always left.
 */
export function* schedule(random: SeededRandom, movables: Movables): Generator<Step, never> {
  const { topics, partitions, groups, transactionalIds = [] } = movables
  const coordinated = [
    ...groups.map((each) => `group ${each}`),
    ...transactionalIds.map((each) => `transaction ${each}`),
  ]
  const down: number[] = []
  for (;;) {
    const up = NODE_IDS.filter((nodeId) => !down.includes(nodeId))
    const node = random.pick(up)
    const lead = () => `lead ${random.pick(topics)} ${random.below(partitions)} ${node}`
    const coordinate = () => `coordinate ${random.pick(coordinated)} ${node}`
    const rejoin = () => `rejoin ${random.pick(groups)} ${random.below(2)}`
    const start = () => `start ${down.splice(random.below(down.length), 1)[0]}`
    const kill = () => `kill ${end()} ${random.pick([0, 30, 300])}`
    const stop = () => `stop ${end()}`
    const end = () => {
      down.push(node)
      return node
    }
    const choices = [lead, lead, lead, lead, coordinate, coordinate, rejoin, rejoin]
    if (up.length > 1) choices.push(kill, kill, stop)
    if (down.length > 0) choices.push(start, start, start, start)
    // With one broker left, there are fewer in-sync replicas than min.insync.replicas=2 asks for. That must not last.
    const command = up.length === 1 ? start() : random.pick(choices)()
    yield { command, pauseMs: random.oneIn(4) ? 3000 + random.below(5000) : random.below(1500) }
  }
}
