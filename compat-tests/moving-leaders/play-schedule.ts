import { createWriteStream } from 'node:fs'
import type { Step } from './schedule.ts'

const NODE_IDS = [1, 2, 3]
/** How much longer than asked for it may take to do something of each kind. */
const LONGER_MS = 120_000

export interface Play {
  readonly steps: Iterable<Step>
  readonly seconds: number
  /** File that gets a line for each command. */
  readonly events: string
  /** Resolves to `done`, or why it was not done; `error` and more if it should have been. */
  obey(command: string): Promise<string>
  /** Called after each command. */
  afterwards(command: string): Promise<void>
  /** What has to happen at least once, and has not. */
  missing(counts: ReadonlyMap<string, number>): readonly string[]
}

export interface Played {
  /** How often each verb was done, or refused. */
  readonly counts: ReadonlyMap<string, number>
  readonly failures: readonly string[]
}

/**
 * Plays the steps of a schedule for so many seconds, then starts all brokers. A slow machine does less in the same time:
 * it goes on until something of each kind was done.
 */
export async function playSchedule({ steps, seconds, events, obey, afterwards, missing }: Play): Promise<Played> {
  const counts = new Map<string, number>()
  const failures: string[] = []
  const file = createWriteStream(events)
  const tell = async (command: string) => {
    const outcome = await obey(command)
    file.write(`${new Date().toISOString()} ${command}: ${outcome}\n`)
    if (outcome.startsWith('error')) failures.push(`${command}: ${outcome}`)
    const verb = `${command.split(' ')[0]}${outcome === 'done' ? '' : ' refused'}`
    counts.set(verb, (counts.get(verb) ?? 0) + 1)
  }
  const endMs = performance.now() + seconds * 1000
  for (const { command, pauseMs } of steps) {
    await tell(command)
    await afterwards(command)
    const overMs = performance.now() - endMs
    if (overMs > LONGER_MS || (overMs > 0 && missing(counts).length === 0)) break
    await new Promise((resolve) => setTimeout(resolve, pauseMs))
  }
  for (const nodeId of NODE_IDS) await tell(`start ${nodeId}`)
  file.end()
  for (const what of missing(counts)) failures.push(`nothing is proved: no ${what}`)
  return { counts, failures }
}
