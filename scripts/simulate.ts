/**
 * `npm run simulate -- [PART] --seeds N [--seed S]`: N simulated histories of the storage layer, of whole brokers and
 * their clients, of their groups, or of their transactions, with seeded clients and faults, beginning with seed S. Each is compared with a model.
 * A failing seed is printed with the violated rule and repeats exactly: `npm run simulate -- PART --seed S`.
 */
import { Argument, Command } from 'commander'
import { simulationParts as parts } from '../compat-tests/simulation/parts.ts'
import { Progress } from './progress.ts'
import { wholeNumber } from './whole-number.ts'

const SEEDS = 100
const examples = `
Examples:
  npm run simulate                                 ${SEEDS} seeds of every part
  npm run simulate -- storage --seeds 10000        a long run
  npm run simulate -- broker --seed 95             one seed alone: also prints what the broker logged
  npm run simulate -- broker --seed 95 --one-broker    the same with one broker and a network in order`

const program = new Command('npm run simulate --')
  .description('Runs parts of Ottla on a simulated machine with faults. Ends with exit code 1 if a seed broke a rule.')
  .addArgument(new Argument('[part...]', 'what to run (default: every part)').choices(Object.keys(parts)))
  .option('--seeds <n>', `how many seeds (default: 1 with --seed, else ${SEEDS})`, wholeNumber)
  .option('--seed <s>', 'the first seed (default: 1)', wholeNumber)
  .option('--one-broker', 'parts broker, groups and transactions: one broker, with a network in order', false)
  .addHelpText('after', examples)
  .showHelpAfterError('(npm run simulate -- --help shows the usage)')
  .parse()
const { seed: given, seeds, oneBroker } = program.opts<{ seed?: number; seeds?: number; oneBroker: boolean }>()
const first = given ?? 1
const count = seeds ?? (given === undefined ? SEEDS : 1)
const progress = new Progress()

async function simulate(part: string): Promise<void> {
  const startedMs = performance.now()
  const sums = new Map<string, number>()
  const failed: number[] = []
  const trace = count > 1 ? undefined : (fields: object, message: string) => console.log(message, fields)
  for (let seed = first; seed < first + count; seed++) {
    if (count > 1) progress.show(`${part}: ${seed - first} of ${count} seeds, ${failed.length} failed`)
    try {
      const counts = await parts[part]!(seed, trace, { isOneBroker: oneBroker })
      for (const [name, value] of Object.entries(counts)) sums.set(name, (sums.get(name) ?? 0) + value)
    } catch (error) {
      failed.push(seed)
      progress.clear()
      console.error(`${part}, seed ${seed}: ${(error as Error).stack}`)
    }
  }
  progress.clear()
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1)
  for (const [name, value] of sums) console.log(`${name.padEnd(14)} ${value}`)
  console.log(`${part}: ${count - failed.length} seeds passed, ${failed.length} failed, in ${seconds} s`)
  if (failed.length > 0) {
    console.log(`failed: ${failed.join(' ')}`)
    process.exitCode = 1
  }
}

for (const part of program.args.length > 0 ? program.args : Object.keys(parts)) await simulate(part)
