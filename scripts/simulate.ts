/**
 * `npm run simulate -- [PART] --seeds N [--seed S]`: N histories of the storage layer, of a whole broker and its clients,
 * or of its groups, under seeded clients and faults, beginning with seed S, each compared with a model. A seed that fails
 * is told with the rule that was broken, and repeats exactly: `npm run simulate -- PART --seed S`.
 */
import { simulateBroker } from '../compat-tests/simulation/broker-simulation.ts'
import { simulateGroups } from '../compat-tests/simulation/group-simulation.ts'
import { simulateStorage } from '../compat-tests/simulation/storage-simulation.ts'

type Trace = (fields: object, message: string) => void
const parts: Readonly<Record<string, (seed: number, trace?: Trace) => Promise<object>>> = {
  storage: simulateStorage,
  groups: simulateGroups,
  broker: simulateBroker,
}

const args = process.argv.slice(2)
if (args.includes('--help')) {
  console.log(`usage: npm run simulate -- [${Object.keys(parts).join(' | ')}] [--seeds N] [--seed S]
  All parts unless one is named. One seed alone also prints what the broker logged.`)
  process.exit(0)
}
const option = (name: string): number | undefined =>
  args.includes(name) ? Number(args[args.indexOf(name) + 1]) : undefined
const first = option('--seed') ?? 1
const count = option('--seeds') ?? (args.includes('--seed') ? 1 : 100)
if (!Number.isSafeInteger(first) || !Number.isSafeInteger(count) || count < 1) {
  console.error('--seed and --seeds take whole numbers')
  process.exit(1)
}

async function simulate(part: string): Promise<void> {
  const startedMs = performance.now()
  const sums = new Map<string, number>()
  const failed: number[] = []
  const trace = count > 1 ? undefined : (fields: object, message: string) => console.log(message, fields)
  for (let seed = first; seed < first + count; seed++) {
    try {
      const counts = await parts[part]!(seed, trace)
      for (const [name, value] of Object.entries(counts)) sums.set(name, (sums.get(name) ?? 0) + value)
    } catch (error) {
      failed.push(seed)
      console.error(`${part}, seed ${seed}: ${(error as Error).stack}`)
    }
  }
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1)
  for (const [name, value] of sums) console.log(`${name.padEnd(14)} ${value}`)
  console.log(`${part}: ${count - failed.length} seeds passed, ${failed.length} failed, in ${seconds} s`)
  if (failed.length > 0) {
    console.log(`failed: ${failed.join(' ')}`)
    process.exitCode = 1
  }
}

const named = Object.keys(parts).filter((part) => args.includes(part))
for (const part of named.length > 0 ? named : Object.keys(parts)) await simulate(part)
