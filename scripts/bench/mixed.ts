import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { projectDirectory } from '../../compat-tests/broker-program.ts'
import { withTopic } from './load.ts'
import { pacedRecords } from './paced-records.ts'
import type { Contender, Figure, Section } from './section.ts'
import { longestTurn } from './turn-watch.ts'

const GB = 1e9
const PARTITIONS = 6
const PER_SECOND = 300
/** Time for the bulk client to connect and reach full speed. */
const LEAD_MS = 1500

let topicCount = 0

/** One small record at a time, while another client produces as much as the broker accepts. */
export const mixed: Section = {
  name: 'mixed: 300 records/s beside bulk',
  run: (contender, { quick }) => beside(contender, { count: quick ? 600 : 3000, bulkBytes: 20 * GB }),
}

/** The same with more data than the page cache accepts before it blocks writers. */
export const mixedSaturated: Section = {
  name: 'mixed, disk saturated',
  runs: 1,
  run: (contender, { quick }) =>
    beside(contender, { count: PER_SECOND * 60, bulkBytes: quick ? GB : 1.5 * dirtyLimitBytes() }),
}

async function beside(contender: Contender, load: { count: number; bulkBytes: number }): Promise<Figure[]> {
  const { broker, name } = contender
  const { port } = broker
  const [small, bulk] = [`small-${topicCount}`, `bulk-${topicCount++}`]
  return withTopic(port, small, 1, () =>
    withTopic(port, bulk, PARTITIONS, async () => {
      const client = await BulkClient.start(port, bulk, load.bulkBytes)
      const work = () =>
        pacedRecords(port, small, { perSecond: PER_SECOND, count: load.count, isOver: () => client.isOver })
      const { result, turn } =
        name === 'Ottla' ? await longestTurn(broker, work) : { result: await work(), turn: undefined }
      const bulkFigure: Figure = { name: 'bulk beside it', unit: 'MB/s', value: await client.stop(), best: 'highest' }
      return [...result, bulkFigure, ...(turn === undefined ? [] : [turn])]
    }),
  )
}

/** A process that produces as fast as it can. */
class BulkClient {
  isOver = false
  readonly #child
  readonly #ended: Promise<unknown>
  #output = ''

  private constructor(port: number, topic: string, bytes: number) {
    const program = join(import.meta.dirname, 'bulk-client.ts')
    const args = ['--import', 'tsx', program, `${port}`, topic, `${PARTITIONS}`, `${bytes}`]
    this.#child = spawn(process.execPath, args, { cwd: projectDirectory, stdio: ['ignore', 'pipe', 'inherit'] })
    this.#child.stdout.on('data', (chunk: Buffer) => {
      this.#output += chunk.toString()
    })
    this.#ended = once(this.#child, 'close').then(() => {
      this.isOver = true
    })
  }

  static async start(port: number, topic: string, bytes: number): Promise<BulkClient> {
    const client = new BulkClient(port, topic, bytes)
    await new Promise((resolve) => setTimeout(resolve, LEAD_MS))
    return client
  }

  /** Resolves to its produce rate in megabytes a second. */
  async stop(): Promise<number> {
    this.#child.kill('SIGTERM')
    await this.#ended
    return (JSON.parse(this.#output) as { megabytesPerSecond: number }).megabytesPerSecond
  }
}

/** Unwritten bytes from which on Linux blocks writers: vm.dirty_ratio of the available memory, 20 by default. */
function dirtyLimitBytes(): number {
  try {
    const available = Number(/^MemAvailable:\s+(\d+) kB/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1]) * 1024
    return (available * Number(readFileSync('/proc/sys/vm/dirty_ratio', 'utf8'))) / 100
  } catch {
    return 4 * GB
  }
}
