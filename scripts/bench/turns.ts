import { LargeCluster } from '../../compat-tests/turns/large-cluster.ts'
import { handlers } from '../../src/apis/index.ts'
import type { Figure, Section } from './section.ts'

const ELEMENTS = 20_000
const QUICK_ELEMENTS = 2000
/** Faster APIs have requests that do not grow. */
const TELLING_MS = 5

/**
 * Longest event loop turn caused by a large request of each API, in processor time. The broker runs in this process on
 * a simulated machine, which can measure single turns.
 */
export const turns: Section = {
  name: 'turns',
  runs: 2,
  alone: true,
  async run(_, { quick }): Promise<readonly Figure[]> {
    const cluster = await new LargeCluster().start()
    const figures: Figure[] = []
    for (const { api, versions } of handlers) {
      const { longestMs, totalMs, requestBytes } = await cluster.measure(
        api,
        versions.newest,
        quick ? QUICK_ELEMENTS : ELEMENTS,
      )
      if (totalMs < TELLING_MS) continue
      const note = `of ${Math.round(totalMs)} ms, ${(requestBytes / 1e6).toFixed(2)} MB`
      figures.push({ name: `longest turn, ${api.name}`, unit: 'ms', value: longestMs, best: 'lowest', note })
    }
    await cluster.broker.stop()
    return figures
  },
}
