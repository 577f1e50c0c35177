import { performance } from 'node:perf_hooks'
import { RawClient } from '../../compat-tests/raw-client.ts'
import { Produce } from '../../protocol/apis/produce.ts'
import { buildBatch } from '../../protocol/records/batch-builder.ts'
import { batchesOf } from '../../protocol/records/record-batch.ts'
import { ZERO_UUID } from '../../protocol/schema.ts'
import { consumeBytes, createTopic, fetchOnce, produceBytes } from './load.ts'
import { cpuSeconds, residentMb } from './measured-process.ts'
import type { Figure, Section } from './section.ts'

const GB = 1e9

/** From the start of the process to the first answered request, and memory once it has been idle for a second. */
const start: Section = {
  name: 'start',
  async run(contender) {
    const startedMs = performance.now()
    const broker = await contender.start()
    const readyMs = performance.now() - startedMs
    await new Promise((resolve) => setTimeout(resolve, 1000))
    const idleMb = residentMb(broker.pid)
    await broker.stop()
    await broker.dispose()
    return [
      { name: 'ready after', unit: 'ms', value: readyMs, best: 'lowest' },
      { name: 'idle memory', unit: 'MB', value: idleMb, best: 'lowest' },
    ]
  },
}

let topicCount = 0

/** Produces, then consumes, a topic of records of one size. */
function throughput(recordBytes: number): Section {
  return {
    name: `throughput, ${recordBytes} B records`,
    async run({ broker }, { quick }) {
      const totalBytes = quick ? 0.2 * GB : GB
      const topic = `throughput-${recordBytes}-${topicCount++}`
      const client = await RawClient.connect(broker.port)
      await createTopic(client, topic)
      client.close()
      const produced = await measured(broker.pid, () => produceBytes(broker.port, topic, recordBytes, totalBytes))
      const consumed = await measured(broker.pid, async () => {
        const received = await consumeBytes(broker.port, topic, totalBytes)
        if (received < totalBytes) throw new Error(`consumed ${received} of ${totalBytes} bytes`)
      })
      return [
        ...figuresOf('produce', totalBytes, produced),
        ...figuresOf('consume', totalBytes, consumed),
        { name: 'memory after it', unit: 'MB', value: residentMb(broker.pid), best: 'lowest' },
      ]
    },
  }
}

interface Cost {
  readonly seconds: number
  readonly cpuSeconds: number
}

async function measured(pid: number, work: () => Promise<void>): Promise<Cost> {
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

const PACE_MS = 5

/** One record at a time, paced, acks=1: until it is acknowledged, and until a waiting consumer has it. */
const latency: Section = {
  name: 'latency',
  async run({ broker }, { quick }) {
    const count = quick ? 200 : 1000
    const topic = `latency-${topicCount++}`
    const [producer, consumer] = await Promise.all([RawClient.connect(broker.port), RawClient.connect(broker.port)])
    await createTopic(producer, topic, 1)
    const sentMs: number[] = []
    const acknowledged: number[] = []
    const received: number[] = []
    const consuming = (async () => {
      for (let offset = 0; offset < count; ) {
        const records = await fetchOnce(consumer, topic, 0, offset, { maxWaitMs: 500, minBytes: 1 })
        const now = performance.now()
        for (const batch of batchesOf(records).batches)
          for (; offset < batch.nextOffset; offset++) received.push(now - sentMs[offset]!)
      }
    })()
    for (let index = 0; index < count; index++) {
      const value = Buffer.alloc(100, 97)
      const records = buildBatch([{ timestamp: Date.now(), key: null, value }])
      sentMs.push(performance.now())
      const topicData = [{ name: topic, topicId: ZERO_UUID, partitionData: [{ index: 0, records }] }]
      await producer.send(Produce, 9, { acks: 1, timeoutMs: 30_000, topicData })
      acknowledged.push(performance.now() - sentMs[index]!)
      await new Promise((resolve) => setTimeout(resolve, PACE_MS))
    }
    await consuming
    producer.close()
    consumer.close()
    return [...percentiles('acknowledged', acknowledged), ...percentiles('received', received)]
  },
}

function percentiles(what: string, times: number[]): Figure[] {
  const sorted = times.toSorted((a, b) => a - b)
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!
  return [
    { name: `${what}, p50`, unit: 'ms', value: at(0.5), best: 'lowest' },
    { name: `${what}, p99`, unit: 'ms', value: at(0.99), best: 'lowest' },
  ]
}

/** Every part of `npm run bench`, in the order in which they run. */
export const sections: readonly Section[] = [start, throughput(100), throughput(1000), latency]
