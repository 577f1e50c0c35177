/**
 * `npm run fuzz`: lets nonsense loose on a broker in memory and on the decoders, and tells each case that ends in
 * anything but an answer or a closed connection. See --help.
 */
import { parseArgs } from 'node:util'
import { servedApis, servedVersions } from '../compat-tests/fuzz/broker-kinds.ts'
import { type CampaignResult, runCampaign } from '../compat-tests/fuzz/campaign.ts'
import { kinds } from '../compat-tests/fuzz/kinds.ts'
import type { FailedCase } from '../compat-tests/fuzz/run-cases.ts'

const DEFAULT_CASES = 20_000
const HEX_SHOWN = 2000

const help = `usage: npm run fuzz -- [--cases N] [--seed S] [--only KIND] [--case K | --from K]

  --cases N    cases over all kinds, or of the one kind (default ${DEFAULT_CASES})
  --seed S     where the random numbers begin (default 1)
  --only KIND  one kind alone
  --case K     one case of a kind, after those before it in its round: repeats a failure
  --from K     begins with case K of a kind

kinds:
${kinds.map(({ name, share, summary }) => `  ${name.padEnd(10)} ${`${share} %`.padStart(5)}  ${summary}`).join('\n')}

examples:
  npm run fuzz                                              a sample of everything
  npm run fuzz -- --cases 1000000 --seed 7                  a long run
  npm run fuzz -- --only batches --cases 50000              record batches alone
  npm run fuzz -- --seed 7 --only mutants --case 4711       a failure once more
`

const { values } = parseArgs({
  options: {
    cases: { type: 'string' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string' },
    case: { type: 'string' },
    from: { type: 'string', default: '0' },
    help: { type: 'boolean', default: false },
  },
})

function whole(name: string, text: string): number {
  const number = Number(text)
  if (!Number.isSafeInteger(number) || number < 0) stop(`--${name} takes a whole number, not '${text}'`)
  return number
}

function stop(message: string): never {
  console.error(message)
  process.exit(1)
}

function partsWanted(): { kind: string; first: number; end: number }[] {
  const total = whole('cases', values.cases ?? `${DEFAULT_CASES}`)
  const { only } = values
  if (only === undefined) {
    if (values.case !== undefined) stop('--case needs --only: cases are counted by kind')
    return kinds.map(({ name, share }) => ({ kind: name, first: 0, end: Math.ceil((total * share) / 100) }))
  }
  if (kinds.every(({ name }) => name !== only)) stop(`no kind '${only}': ${kinds.map(({ name }) => name).join(', ')}`)
  const first = whole('case', values.case ?? values.from)
  return [{ kind: only, first, end: values.case === undefined ? first + total : first + 1 }]
}

function tellFailure({ kind, seed, index, why, input }: FailedCase): void {
  clearLine()
  const cut = input.length > HEX_SHOWN ? `... (${input.length / 2} bytes)` : ''
  console.log(`FAILED: ${kind} case ${index}: ${why}`)
  console.log(`  input: ${input.slice(0, HEX_SHOWN)}${cut}`)
  console.log(`  again: npm run fuzz -- --seed ${seed} --only ${kind} --case ${index}\n`)
}

const isTerminal = process.stderr.isTTY === true
const clearLine = () => isTerminal && process.stderr.write('\r\x1b[K')
/** A log is told too that it goes on, but less often. */
const PROGRESS_EVERY_MS = isTerminal ? 200 : 60_000
let shownMs = 0

function showProgress(kind: string, done: number, cases: number): void {
  if (performance.now() - shownMs < PROGRESS_EVERY_MS) return
  shownMs = performance.now()
  clearLine()
  process.stderr.write(`${kind}: ${done} of ${cases} (${Math.floor((100 * done) / cases)} %)${isTerminal ? '' : '\n'}`)
}

/** What came of the cases of each kind: where hardly one gets past the door, the fuzzer is at fault. */
function tellCounts({ counts, cases }: CampaignResult): void {
  const names = new Set<string>()
  for (const [kind, sums] of counts) {
    console.log(`${kind}: ${cases.get(kind)} cases`)
    const rows = Object.entries(sums).filter(([name]) => !/^(served|pleased) /.test(name))
    for (const [name, count] of rows.sort()) console.log(`  ${name.padEnd(32)} ${count}`)
    for (const name of Object.keys(sums)) names.add(name)
  }
  const answered = [...names].filter((name) => name.startsWith('served ')).length
  if (answered === 0) return
  console.log(`versions of apis that were answered: ${answered} of ${servedVersions}`)
  const displeased = servedApis.filter((name) => !names.has(`pleased ${name}`))
  if (displeased.length > 0) console.log(`never answered without an error: ${displeased.join(', ')}`)
}

async function main(): Promise<void> {
  if (values.help) return console.log(help)
  const startedMs = performance.now()
  const result = await runCampaign({
    kindsModule: new URL('../compat-tests/fuzz/kinds.ts', import.meta.url).href,
    seed: whole('seed', values.seed),
    parts: partsWanted(),
    onFailure: tellFailure,
    onProgress: showProgress,
  })
  clearLine()
  tellCounts(result)
  const seconds = (performance.now() - startedMs) / 1000
  const total = [...result.cases.values()].reduce((sum, each) => sum + each, 0)
  const rate = Math.round(total / seconds)
  console.log(`${total} cases in ${seconds.toFixed(1)} s (${rate} a second), ${result.failures.length} failed`)
  process.exitCode = result.failures.length > 0 ? 1 : 0
}

await main()
