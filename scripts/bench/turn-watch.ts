import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type BrokerProgram, ottla } from '../../compat-tests/broker-program.ts'
import type { TestBroker } from '../../compat-tests/test-broker.ts'
import { waitFor } from '../../compat-tests/wait-for.ts'
import type { Figure } from './section.ts'

/** Output of turn-probe.js, in milliseconds. */
interface Turn {
  readonly ms: number
  /** Part of it in which the thread was runnable but other programs had the processors. */
  readonly waitMs: number
  /** Part of it in which the thread ran. */
  readonly cpuMs: number
  readonly garbageMs: number
  /** By name of the function that was sampled; the largest. */
  readonly functions: Readonly<Record<string, number>>
  /** By name of the node:fs call and kind of file. */
  readonly files: Readonly<Record<string, number>>
}

/** Ottla with a probe that finds the longest turn of its event loop. */
export const ottlaWithProbe: BrokerProgram = {
  ...ottla,
  command: async (place) => {
    const [node, ...args] = await ottla.command(place)
    return [node!, '--import', pathToFileURL(join(import.meta.dirname, 'turn-probe.js')).href, ...args]
  },
}

/** Longest event loop turn of a broker started with `ottlaWithProbe`, while `work` ran. */
export async function longestTurn<T>(broker: TestBroker, work: () => Promise<T>): Promise<{ result: T; turn: Figure }> {
  const from = broker.logs.length
  process.kill(broker.pid, 'SIGUSR2')
  const result = await work()
  process.kill(broker.pid, 'SIGUSR2')
  const found = () => /^\{"turn":.*\}$/m.exec(broker.logs.slice(from))?.[0]
  await waitFor('the broker tells its longest turn', () => found() !== undefined, 10_000)
  const { turn } = JSON.parse(found()!) as { turn: Turn }
  return { result, turn: { name: 'longest turn', unit: 'ms', value: turn.ms, best: 'lowest', note: causeOf(turn) } }
}

/** Where the time went, the largest part first. */
function causeOf({ ms, waitMs, cpuMs, garbageMs, files, functions }: Turn): string {
  const fileMs = Object.values(files).reduce((sum, each) => sum + each, 0)
  const parts: [string, number][] = [
    ...Object.entries(files),
    ['waiting for a processor', waitMs],
    ['collecting garbage', garbageMs],
    ['other work', ms - fileMs - waitMs - garbageMs],
  ]
  const largest = parts.filter(([, each]) => each >= 0.5).toSorted(([, a], [, b]) => b - a)
  const ran = Object.entries(functions).slice(0, 3)
  const listed = (entries: readonly (readonly [string, number])[]) =>
    entries.map(([name, each]) => `${name} ${each.toFixed(1)}`).join(', ')
  return `${listed(largest)}; standing still ${Math.max(0, ms - cpuMs - waitMs).toFixed(1)}; in ${listed(ran)}`
}
