/**
 * `npm run proof -- NAME`: long runs that show what a test cannot: see proofs.ts. An interrupted run continues as long
 * as commit and seed are the same; a complete one is recorded in docs/proofs.md.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { Argument, Command } from 'commander'
import { Progress } from './progress.ts'
import { isWhole, type ProofPart, type ProofState, proofRow, runProof } from './proof-run.ts'
import { proofs } from './proofs.ts'
import { wholeNumber } from './whole-number.ts'

const root = resolve(import.meta.dirname, '..')
const page = join(root, 'docs', 'proofs.md')

const details = `
Proofs:
${Object.entries(proofs)
  .map(([name, { summary }]) => `  ${name.padEnd(20)} ${summary}`)
  .join('\n')}`

const program = new Command('npm run proof --')
  .description(
    'Runs a proof for as long as it takes. Ctrl-C keeps what is done. Ends with exit code 1 if something failed.',
  )
  .addArgument(new Argument('<name>', 'which one').choices(Object.keys(proofs)))
  .option('--units <n>', 'total number of cases or seeds, instead of the proof’s own', wholeNumber)
  .option('--seed <s>', 'seed of the random numbers', wholeNumber, 1)
  .option('--minutes <m>', 'stops after this time; the next run continues', wholeNumber)
  .option('--anew', 'starts again instead of continuing')
  .addHelpText('after', details)
  .showHelpAfterError('(npm run proof -- --help shows the usage)')
  .parse()
const options = program.opts<{ units?: number; seed: number; minutes?: number; anew?: boolean }>()
const name = program.args[0]!

/** The current commit, with a plus if files differ from it. */
function commit(): string {
  const git = (...args: string[]) => execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim()
  const changed = git('status', '--porcelain', '--untracked-files=no')
  return git('rev-parse', '--short', 'HEAD') + (changed === '' ? '' : '+')
}

/** The newest run comes first below the table's head. */
function record(row: string): void {
  const text = readFileSync(page, 'utf8')
  const head = /\n\|(?:-+\|)+\n/.exec(text)
  if (head === null) throw new Error(`${page} has no table`)
  const at = head.index + head[0].length
  writeFileSync(page, `${text.slice(0, at)}${row}\n${text.slice(at)}`)
}

function progressOf({ done, failures, seconds }: ProofState, { name: part, units }: ProofPart): string {
  const count = done[part] ?? 0
  return `${name}: ${part} ${count} of ${units}, ${failures.length} failed, ${Math.round(seconds)} s`
}

const progress = new Progress()
const stateFile = join(root, '.cache', 'proofs', `${name}.json`)
if (options.anew) rmSync(stateFile, { force: true })
let isInterrupted = false
process.once('SIGINT', () => {
  isInterrupted = true
  progress.clear()
  console.error('finishing the current units; press ctrl-c again to stop at once')
})
const startedMs = performance.now()
const isTimeOver = () => performance.now() - startedMs > (options.minutes ?? Number.POSITIVE_INFINITY) * 60_000
const parts = proofs[name]!.parts(options.units)
const state = await runProof({
  parts,
  stateFile,
  commit: commit(),
  seed: options.seed,
  clock: () => performance.now(),
  onProgress: (at, part) => progress.show(progressOf(at, part)),
  isOver: () => isInterrupted || isTimeOver(),
})
progress.clear()
for (const failure of state.failures) console.log(`FAILED: ${failure}\n`)
const row = proofRow(name, parts, state, new Date().toISOString().slice(0, 10))
console.log(row)
if (isWhole(parts, state)) {
  record(row)
  rmSync(stateFile, { force: true })
} else console.log(`not finished: npm run proof -- ${name} continues it`)
process.exitCode = state.failures.length > 0 ? 1 : 0
