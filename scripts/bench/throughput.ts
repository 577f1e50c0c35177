import { performance } from 'node:perf_hooks'
import { consumeMany, produceMany, sampleBatch, withTopic } from './load.ts'
import { cpuSeconds, residentMb } from './measured-process.ts'
import type { Figure, Section } from './section.ts'

const GB = 1e9
const PARTITIONS = 6
const BATCH_BYTES = 65_536

let topicCount = 0

/** Produces, then consumes, a topic of records of one size: bytes of values, uncompressed, acks=1. */
export function throughput(recordBytes: number): Section {
  return {
    name: `produce and consume, ${recordBytes} B records`,
    // More runs, because compilers and a virtual machine that hands out memory late need time.
    runs: 6,
    async run({ broker }, { quick }) {
      const batch = sampleBatch(recordBytes)
      const recordsPerBatch = Math.floor(BATCH_BYTES / recordBytes)
      const batches = Math.ceil((quick ? 0.3 * GB : GB) / (recordsPerBatch * recordBytes))
      const bytes = batches * recordsPerBatch * recordBytes
      const recordsEach = Array.from(
        { length: PARTITIONS },
        (_, partition) => Math.ceil((batches - partition) / PARTITIONS) * recordsPerBatch,
      )
      const topic = `throughput-${recordBytes}-${topicCount++}`
      return withTopic(broker.port, topic, PARTITIONS, async () => {
        const produced = await measured(broker.pid, () =>
          produceMany(broker.port, topic, PARTITIONS, batch, { batches }),
        )
        const consumed = await measured(broker.pid, () => consumeMany(broker.port, topic, PARTITIONS, recordsEach))
        return [
          ...figuresOf('produce', bytes, produced),
          ...figuresOf('consume', bytes, consumed),
          { name: 'memory after it', unit: 'MB', value: residentMb(broker.pid), best: 'lowest' },
        ]
      })
    },
  }
}

interface Cost {
  readonly seconds: number
  readonly cpuSeconds: number
}

async function measured(pid: number, work: () => Promise<unknown>): Promise<Cost> {
  const [startedMs, cpuBefore] = [performance.now(), cpuSeconds(pid)]
  await work()
  return { seconds: (performance.now() - startedMs) / 1000, cpuSeconds: cpuSeconds(pid) - cpuBefore }
}

function figuresOf(what: string, bytes: number, cost: Cost): Figure[] {
  return [
    { name: what, unit: 'MB/s', value: bytes / 1e6 / cost.seconds, best: 'highest' },
    { name: `${what}, broker CPU`, unit: 's/GB', value: (cost.cpuSeconds * GB) / bytes, best: 'lowest' },
  ]
}
