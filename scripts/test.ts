/**
 * `npm test`: runs the compiler, the linter, tidy, the check of the printed pages of docs/, the unit tests beside the
 * code, and the tests in compat-tests, which start brokers and real clients: two files at a time, and then those that
 * measure, one by one. With arguments it runs only the test files whose path contains one of them: `npm test -- storage`.
 * Its last line is the sum: N passed, N failed, N skipped.
 */
import { spawnSync } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { join, resolve } from 'node:path'
import Mocha from 'mocha'
import { missingPrograms } from '../compat-tests/requirements.ts'
import './property-seed.ts'
import { testFilesIn } from './test-files.ts'

/** A broker and its clients keep one core busy, or less. */
const JOBS = 2
/** They measure times or memory, which another test would change. */
const measures = (file: string) => /^compat-tests\/(turns|soak|network)\//.test(file)
/** These take minutes: they begin first, so that all processes end at about the same time. */
const longest = ['brokers/', 'tools/tools', 'zookeeper-era', 'clients/', 'differential/']
const rank = (file: string) => {
  const index = longest.findIndex((each) => file.startsWith(`compat-tests/${each}`))
  return index < 0 ? longest.length : index
}

const root = resolve(import.meta.dirname, '..')
const wanted = process.argv.slice(2)
const sum = { passed: 0, failed: 0, skipped: 0 }
const pending: string[] = []
const failures: string[] = []

function check(name: string, command: string, ...args: string[]): void {
  const startedMs = Date.now()
  const { status } = spawnSync(process.execPath, [join(root, command), ...args], { cwd: root, stdio: 'inherit' })
  const seconds = ((Date.now() - startedMs) / 1000).toFixed(1)
  console.log(`${status === 0 ? 'ok' : 'FAILED'}: ${name} (${seconds} s)`)
  if (status === 0) sum.passed++
  else {
    sum.failed++
    failures.push(name)
  }
}

function testFiles(...folders: string[]): string[] {
  const files = testFilesIn(...folders)
  return wanted.length === 0 ? files : files.filter((file) => wanted.some((part) => file.includes(part)))
}

/** Runs files, `jobs` at a time, each in one process; a file that fails to load counts as one failure. */
async function runMocha(
  name: string,
  files: string[],
  { jobs = 1, ...options }: { reporter: 'dot' | 'spec'; timeout: number; jobs?: number },
): Promise<void> {
  if (files.length === 0) return
  console.log(`\n${name}: ${files.length} files`)
  const isParallel = jobs > 1
  const color = process.stdout.isTTY === true
  const mocha = new Mocha({ ...options, forbidOnly: true, color, parallel: isParallel, jobs })
  for (const file of files) mocha.addFile(join(root, file))
  try {
    if (!isParallel) await mocha.loadFilesAsync()
  } catch (error) {
    console.error(error)
    sum.failed++
    failures.push(`loading the ${name}`)
    return
  }
  await new Promise<void>((done) => {
    const runner = mocha.run(() => {
      sum.passed += runner.stats?.passes ?? 0
      sum.failed += runner.stats?.failures ?? 0
      sum.skipped += runner.stats?.pending ?? 0
      done()
    })
    runner.on('pending', (test) => pending.push(test.fullTitle()))
    runner.on('fail', (test) => failures.push(test.fullTitle()))
  })
}

if (wanted.length === 0) {
  check('types', 'node_modules/typescript/bin/tsc', '-p', '.')
  check('lint', 'node_modules/@biomejs/biome/bin/biome', 'check', '.')
  check('tidy', 'node_modules/tsx/dist/cli.mjs', 'scripts/tidy.ts')
  check('printed pages', 'node_modules/tsx/dist/cli.mjs', 'scripts/docs.ts', '--check')
}
await runMocha('unit tests', testFiles('protocol', 'storage', 'src', 'scripts'), { reporter: 'dot', timeout: 20_000 })
const compatTests = { reporter: 'spec', timeout: 120_000 } as const
const withBrokers = testFiles('compat-tests').sort((a, b) => rank(a) - rank(b))
const together = withBrokers.filter((file) => !measures(file))
await runMocha('compat tests', together, { ...compatTests, jobs: Math.min(JOBS, availableParallelism()) })
await runMocha('compat tests that measure', withBrokers.filter(measures), compatTests)

if (failures.length > 0) console.log(`\nfailed:\n${failures.map((title) => `  ${title}`).join('\n')}`)
if (pending.length > 0) {
  console.log('\nskipped:')
  for (const title of pending) console.log(`  ${title}`)
  for (const line of missingPrograms()) console.log(`not on this machine: ${line}`)
}
// A skipped test proves nothing: where everything must be proven, the run is incomplete.
const incomplete = process.env.CI === 'true' && sum.skipped > 0
if (incomplete) console.log('with CI=true nothing may be skipped')
if (sum.passed + sum.failed === 0) console.log(`no test file matches ${wanted.join(' ')}`)
console.log(`\n${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`)
process.exit(sum.failed > 0 || incomplete || sum.passed === 0 ? 1 : 0)
