/**
 * `npm run bench`: starts Ottla and, if Java is installed, Apache Kafka 4.4.0 on this machine, puts both under the same
 * load in turn, and prints the figures side by side. The best of three runs counts for both. Figures hold for this
 * machine and this run; compare the ratio.
 */
import { spawnSync } from 'node:child_process'
import { Command, InvalidArgumentError } from 'commander'
import { apacheKafkaAsShipped } from '../compat-tests/apache-kafka.ts'
import { type BrokerProgram, ottla } from '../compat-tests/broker-program.ts'
import { TestBroker } from '../compat-tests/test-broker.ts'
import type { Contender, Figure, Section } from './bench/section.ts'
import { sections } from './bench/sections.ts'
import { soak } from './bench/soak.ts'
import { throughput } from './bench/throughput.ts'
import { ottlaWithProbe } from './bench/turn-watch.ts'
import { Progress } from './progress.ts'

/** Column width of figure names. */
const LABEL_WIDTH = 36
const details = `
Parts:
${sections.map(({ name }) => `  ${name}`).join('\n')}

Examples:
  npm run bench                            everything, in some ten minutes
  npm run bench -- start latency           two parts
  npm run bench -- mixed                   one record at a time beside a bulk producer
  npm run bench -- --alone --quick 100     a first impression of one
  npm run bench -- soak --minutes 60       memory and handles while clients come and go; exit code 1 if they grow`

const program = new Command('npm run bench --')
  .description('Measures Ottla and, if Java is installed, Apache Kafka 4.4.0 on this machine.')
  .argument('[part...]', 'only the parts whose name contains one of these words')
  .option('--quick', 'smaller loads, one run each', false)
  .option('--alone', 'Ottla alone, without Apache Kafka', false)
  .option('--minutes <count>', 'how long the soak lasts', positive, 60)
  .addHelpText('after', details)
  .showHelpAfterError('(npm run bench -- --help shows the usage)')
  .parse()
const { quick, alone, minutes } = program.opts<{ quick: boolean; alone: boolean; minutes: number }>()
const words = program.args
// Separate from the other sections: it compares nothing, and its duration is up to the user.
if (words.includes('soak')) process.exit((await soak(minutes, console.log)) ? 0 : 1)
const wanted = sections.filter(({ name }) => words.length === 0 || words.some((word) => name.includes(word)))
if (wanted.length === 0) program.error(`error: no part is called ${words.join(' or ')}`)
const java = !alone && spawnSync('java', ['-version']).status === 0
if (!java && !alone) console.log('Java is missing: Ottla is measured alone')
const progress = new Progress()

function positive(text: string): number {
  const value = Number(text)
  if (!(value > 0)) throw new InvalidArgumentError('must be a number above 0')
  return value
}

/** shared: starts the broker that sections share. */
async function contender(name: Contender['name'], program: BrokerProgram, shared = program): Promise<Contender> {
  // Deleted topics free their space at once: all runs of a benchmark together would not fit on every disk.
  const settings = { 'log.segment.delete.delay.ms': '0' }
  const start = () => TestBroker.start({ program, settings })
  const onData = (fill: (dataDir: string) => void) =>
    TestBroker.stopped({ program: { ...program, prepare: ({ dataDir }) => fill(dataDir) }, settings })
  return { name, start, onData, broker: await TestBroker.start({ program: shared, settings }) }
}

/** A JVM reaches full speed only after it has compiled hot code. Both brokers get the same warm-up. */
async function warmUp(): Promise<void> {
  for (const each of contenders) {
    progress.step(`warming up ${each.name}`)
    await throughput(100).run(each, { quick, dataDir: '' })
  }
}

const contenders = [await contender('Ottla', ottla, ottlaWithProbe)]
if (java) contenders.push(await contender('Apache Kafka', apacheKafkaAsShipped))

/** Best value of each figure, by contender. */
async function measure(section: Section): Promise<Map<string, Map<string, Figure>>> {
  const best = new Map<string, Map<string, Figure>>()
  const taking = section.alone === true ? contenders.slice(0, 1) : contenders
  const runs = quick ? 1 : (section.runs ?? 3)
  progress.step(`${section.name}: preparing`)
  const prepared = await section.prepare?.({ quick })
  try {
    for (let run = 0; run < runs; run++)
      for (const each of taking) {
        progress.step(`${section.name}: run ${run + 1} of ${runs}, ${each.name}`)
        const figures = await section.run(each, { quick, dataDir: prepared?.dataDir ?? '' })
        for (const figure of figures) keepBest(best, figure.of ?? each.name, figure)
      }
  } finally {
    prepared?.dispose()
  }
  progress.clear()
  return best
}

function keepBest(best: Map<string, Map<string, Figure>>, contender: string, figure: Figure): void {
  const row = best.get(figure.name) ?? new Map<string, Figure>()
  best.set(figure.name, row)
  const known = row.get(contender)?.value
  const better = known === undefined || (figure.best === 'lowest' ? figure.value < known : figure.value > known)
  if (better) row.set(contender, figure)
}

function print(section: Section, best: Map<string, Map<string, Figure>>): void {
  const others = [...new Set([...best.values()].flatMap((row) => [...row.keys()]))].filter((name) => name !== 'Ottla')
  const heads = ['Ottla', ...others, ...(others.length > 0 ? ['ratio'] : [])]
  const labelled = (label: string, unit: string) => label.padEnd(LABEL_WIDTH) + unit.padEnd(6)
  console.log(`\n${labelled(section.name, '')}${heads.map((head) => head.padStart(14)).join('')}`)
  for (const [name, row] of best) {
    const ours = row.get('Ottla')
    if (ours === undefined) continue
    const theirs = others.map((other) => row.get(other)?.value)
    const ratios = theirs.map((value) => value && ours.value / value)
    const note = ours.note === undefined ? '' : `  (${ours.note})`
    console.log(`${labelled(`  ${name}`, ours.unit)}${[ours.value, ...theirs, ...ratios].map(shown).join('')}${note}`)
  }
}

function shown(value: number | undefined): string {
  if (value === undefined) return '-'.padStart(14)
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : 2
  return value.toFixed(digits).padStart(14)
}

try {
  for (const section of wanted.filter(({ cold }) => cold)) print(section, await measure(section))
  if (!wanted.every(({ cold }) => cold)) await warmUp()
  for (const section of wanted.filter(({ cold }) => !cold)) print(section, await measure(section))
  console.log('\nratio: Ottla divided by the other. Higher is better for MB/s and 1/s, lower for everything else.')
} finally {
  for (const { broker } of contenders) await broker.dispose()
}
