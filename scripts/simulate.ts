/**
 * `npm run simulate -- --seeds N [--seed S]`: N histories of the storage layer under seeded clients and faults, beginning
 * with seed S, each compared with a model. A seed that fails is told with the rule that was broken, and repeats exactly:
 * `npm run simulate -- --seed S`.
 */
import { simulateStorage } from '../compat-tests/simulation/storage-simulation.ts'

const args = process.argv.slice(2)
if (args.includes('--help')) {
  console.log('usage: npm run simulate -- [--seeds N] [--seed S]   (one seed alone also prints what storage logged)')
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

async function main(): Promise<void> {
  const startedMs = performance.now()
  const sums = new Map<string, number>()
  const failed: number[] = []
  const trace = count > 1 ? undefined : (fields: object, message: string) => console.log(message, fields)
  for (let seed = first; seed < first + count; seed++) {
    try {
      const counts = await simulateStorage(seed, trace)
      for (const [name, value] of Object.entries(counts)) sums.set(name, (sums.get(name) ?? 0) + value)
    } catch (error) {
      failed.push(seed)
      console.error(`seed ${seed}: ${(error as Error).stack}`)
    }
  }
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1)
  for (const [name, value] of sums) console.log(`${name.padEnd(14)} ${value}`)
  console.log(`${count - failed.length} seeds passed, ${failed.length} failed, in ${seconds} s`)
  if (failed.length > 0) {
    console.log(`failed: ${failed.join(' ')}`)
    process.exitCode = 1
  }
}

main()
