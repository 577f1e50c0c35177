/**
 * `npm run fuzz`: feeds invalid input to a broker in memory and to the decoders, and prints each case that ends in
 * anything but a response or a closed connection. See --help.
 */
import { Argument, Command, Option } from 'commander'
import { servedApis, servedVersions } from '../compat-tests/fuzz/broker-kinds.ts'
import { type CampaignResult, runCampaign } from '../compat-tests/fuzz/campaign.ts'
import { kinds } from '../compat-tests/fuzz/kinds.ts'
import type { FailedCase } from '../compat-tests/fuzz/run-cases.ts'
import { Progress } from './progress.ts'
import { wholeNumber } from './whole-number.ts'

const DEFAULT_CASES = 20_000
const HEX_SHOWN = 2000

const details = `
Kinds:
${kinds.map(({ name, share, summary }) => `  ${name.padEnd(10)} ${`${share} %`.padStart(5)}  ${summary}`).join('\n')}

Examples:
  npm run fuzz                                              a sample of everything
  npm run fuzz -- --cases 1000000 --seed 7                  a long run
  npm run fuzz -- batches --cases 50000                     record batches alone
  npm run fuzz -- mutants --seed 7 --case 4711              a failure once more`

interface Options {
  readonly cases: number
  readonly seed: number
  readonly only?: string
  readonly case?: number
  readonly from: number
}

const program = new Command('npm run fuzz --')
  .description(
    'Sends invalid input to a broker in memory and to every decoder. Ends with exit code 1 if a case failed.',
  )
  .addArgument(new Argument('[kind]', 'one kind alone').choices(kinds.map(({ name }) => name)))
  .option('--cases <n>', 'cases over all kinds, or of the one kind', wholeNumber, DEFAULT_CASES)
  .option('--seed <s>', 'seed of the random numbers', wholeNumber, 1)
  .addOption(new Option('--only <kind>', 'the same as KIND').choices(kinds.map(({ name }) => name)))
  .option('--case <k>', 'runs one case of a kind, after the earlier cases of its round: repeats a failure', wholeNumber)
  .option('--from <k>', 'starts at case K of a kind', wholeNumber, 0)
  .addHelpText('after', details)
  .showHelpAfterError('(npm run fuzz -- --help shows the usage)')
  .parse()
const options = program.opts<Options>()

function partsWanted(): { kind: string; first: number; end: number }[] {
  const { cases, from } = options
  const only = program.args[0] ?? options.only
  if (only === undefined) {
    if (options.case !== undefined) program.error('error: --case needs a kind: cases are counted by kind')
    return kinds.map(({ name, share }) => ({ kind: name, first: 0, end: Math.ceil((cases * share) / 100) }))
  }
  const first = options.case ?? from
  return [{ kind: only, first, end: options.case === undefined ? first + cases : first + 1 }]
}

function tellFailure({ kind, seed, index, why, input }: FailedCase): void {
  progress.clear()
  const cut = input.length > HEX_SHOWN ? `... (${input.length / 2} bytes)` : ''
  console.log(`FAILED: ${kind} case ${index}: ${why}`)
  console.log(`  input: ${input.slice(0, HEX_SHOWN)}${cut}`)
  console.log(`  again: npm run fuzz -- ${kind} --seed ${seed} --case ${index}\n`)
}

const progress = new Progress()

function showProgress(kind: string, done: number, cases: number): void {
  progress.show(`${kind}: ${done} of ${cases} (${Math.floor((100 * done) / cases)} %)`)
}

/** Outcomes of the cases of each kind: if hardly any passes the first checks, the fuzzer is at fault. */
function tellCounts({ counts, cases }: CampaignResult): void {
  const names = new Set<string>()
  for (const [kind, sums] of counts) {
    console.log(`${kind}: ${cases.get(kind)} cases`)
    const rows = Object.entries(sums).filter(([name]) => !/^(served|succeeded) /.test(name))
    for (const [name, count] of rows.sort()) console.log(`  ${name.padEnd(32)} ${count}`)
    for (const name of Object.keys(sums)) names.add(name)
  }
  const answered = [...names].filter((name) => name.startsWith('served ')).length
  if (answered === 0) return
  console.log(`API versions that were answered: ${answered} of ${servedVersions}`)
  const neverSucceeded = servedApis.filter((name) => !names.has(`succeeded ${name}`))
  if (neverSucceeded.length > 0) console.log(`never answered without an error: ${neverSucceeded.join(', ')}`)
}

/** How long cases blocked the event loop, including the simulated client's work. */
function tellTurns({ longTurns }: CampaignResult): void {
  if (longTurns.length === 0) return
  console.log('longest turns of the event loop, in milliseconds of processor time:')
  for (const { kind, index, cpuMs } of longTurns)
    console.log(`  ${cpuMs.toFixed(1).padStart(8)}  npm run fuzz -- ${kind} --seed ${options.seed} --case ${index}`)
}

async function main(): Promise<void> {
  const startedMs = performance.now()
  const result = await runCampaign({
    kindsModule: new URL('../compat-tests/fuzz/kinds.ts', import.meta.url).href,
    seed: options.seed,
    parts: partsWanted(),
    onFailure: tellFailure,
    onProgress: showProgress,
  })
  progress.clear()
  tellCounts(result)
  tellTurns(result)
  const seconds = (performance.now() - startedMs) / 1000
  const total = [...result.cases.values()].reduce((sum, each) => sum + each, 0)
  const rate = Math.round(total / seconds)
  console.log(`${total} cases in ${seconds.toFixed(1)} s (${rate} a second), ${result.failures.length} failed`)
  process.exitCode = result.failures.length > 0 ? 1 : 0
}

await main()
