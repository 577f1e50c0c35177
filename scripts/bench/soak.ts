import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type BrokerProgram, ottla } from '../../compat-tests/broker-program.ts'
import { TestBroker } from '../../compat-tests/test-broker.ts'
import { growthOf } from './flatness.ts'
import { SoakCrowd } from './soak-crowd.ts'

/** Measures of the broker's process, each with its allowed growth: memory in MB after a collection, counts. */
const tolerances = { heap: 4, external: 40, resident: 48, handles: 40, timers: 60, files: 60 } as const

type Measure = keyof typeof tolerances
type Sample = Readonly<Record<Measure, number>>

const measures = Object.keys(tolerances) as Measure[]
/** Samples per run: enough for medians, few enough to read. */
const SAMPLES = 60
const SHORTEST_PERIOD_MS = 1000

/** Everything expires soon, so that a short run covers it. */
const settings = {
  'log.segment.bytes': '2097152',
  'log.initial.task.delay.ms': '1000',
  'log.retention.check.interval.ms': '2000',
  'log.segment.delete.delay.ms': '1000',
  'log.flush.offset.checkpoint.interval.ms': '5000',
  'producer.id.expiration.ms': '5000',
  'producer.id.expiration.check.interval.ms': '2000',
  'offsets.retention.check.interval.ms': '5000',
  'offsets.retention.minutes': '1',
  'offsets.topic.num.partitions': '4',
  'offsets.topic.segment.bytes': '1048576',
  'log.cleaner.backoff.ms': '2000',
  'group.initial.rebalance.delay.ms': '0',
  'max.incremental.fetch.session.cache.slots': '50',
}

/**
 * Runs a broker with clients that connect, leave, stall and break off in the middle of a request, and prints what it
 * holds over time. False if a measure kept growing after the warm-up.
 */
export async function soak(minutes: number, print: (line: string) => void): Promise<boolean> {
  const periodMs = Math.max(SHORTEST_PERIOD_MS, (minutes * 60_000) / SAMPLES)
  const broker = await TestBroker.stopped({ program: sampled, settings })
  const file = join(broker.directory, 'samples')
  Object.assign(process.env, { OTTLA_SOAK_FILE: file, OTTLA_SOAK_PERIOD_MS: String(periodMs) })
  await broker.restart()
  const crowd = new SoakCrowd(broker.port)
  try {
    await crowd.prepare()
    print(row('minute', measures))
    const startedMs = performance.now()
    const watching = setInterval(() => print(lastSample(file, startedMs)), periodMs)
    setTimeout(() => crowd.stop(), minutes * 60_000)
    try {
      await crowd.run()
    } finally {
      clearInterval(watching)
    }
    print([...crowd.done].map(([name, count]) => `${count} ${name}`).join(', '))
    return verdict(samplesOf(file), print)
  } finally {
    await broker.dispose()
  }
}

/** The broker with the sampler in its process. */
const sampled: BrokerProgram = {
  ...ottla,
  command: async (place) => {
    const [node, ...args] = await ottla.command(place)
    const sampler = pathToFileURL(join(import.meta.dirname, 'soak-sampler.js')).href
    return [node!, '--import', sampler, ...args]
  },
}

function samplesOf(file: string): Sample[] {
  if (!existsSync(file)) return []
  return readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
}

function lastSample(file: string, startedMs: number): string {
  const sample = samplesOf(file).at(-1)
  const minute = ((performance.now() - startedMs) / 60_000).toFixed(1)
  return row(minute, sample === undefined ? [] : measures.map((measure) => shown(sample[measure])))
}

function verdict(samples: readonly Sample[], print: (line: string) => void): boolean {
  let isFlat = true
  for (const measure of measures) {
    const growth = growthOf(
      samples.map((sample) => sample[measure]),
      tolerances[measure],
    )
    isFlat &&= growth.isFlat
    const what = growth.isFlat ? 'flat' : `GROWS by more than ${tolerances[measure]}`
    print(row(measure, [shown(growth.from), shown(growth.to), what]))
  }
  return isFlat
}

function row(head: string, cells: readonly string[]): string {
  return head.padEnd(10) + cells.map((cell) => cell.padStart(10)).join('')
}

function shown(value: number): string {
  return value.toFixed(value < 100 ? 1 : 0)
}
