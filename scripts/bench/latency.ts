import { performance } from 'node:perf_hooks'
import { fetchOnce, produce, produceFrame, sampleBatch, withTopic } from './load.ts'
import { LoadConnection } from './load-connection.ts'
import type { Figure, Section } from './section.ts'

const PACE_MS = 5
const RECORD_BYTES = 100

let topicCount = 0

/** One record at a time, paced, acks=1: until it is acknowledged, and until a waiting consumer has it. */
export const latency: Section = {
  name: 'latency',
  async run({ broker }, { quick }) {
    const topic = `latency-${topicCount++}`
    return withTopic(broker.port, topic, 1, () => measure(broker.port, topic, quick ? 400 : 1000))
  },
}

async function measure(port: number, topic: string, count: number): Promise<Figure[]> {
  const [producer, consumer] = await Promise.all([LoadConnection.connect(port), LoadConnection.connect(port)])
  const frame = produceFrame(topic, 0, sampleBatch(RECORD_BYTES, 1))
  const sentMs: number[] = []
  const acknowledged: number[] = []
  const received: number[] = []
  const consuming = (async () => {
    for (let offset = 0; offset < count; ) {
      const { nextOffset } = await fetchOnce(consumer, topic, 0, offset)
      for (; offset < nextOffset; offset++) received.push(performance.now() - sentMs[offset]!)
    }
  })()
  for (let index = 0; index < count; index++) {
    sentMs.push(performance.now())
    await produce(producer, frame)
    acknowledged.push(performance.now() - sentMs[index]!)
    await new Promise((resolve) => setTimeout(resolve, PACE_MS))
  }
  await consuming
  producer.close()
  consumer.close()
  return [...percentiles('acknowledged', acknowledged), ...percentiles('received', received)]
}

function percentiles(what: string, times: number[]): Figure[] {
  const sorted = times.toSorted((a, b) => a - b)
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!
  return [
    { name: `${what}, p50`, unit: 'ms', value: at(0.5), best: 'lowest' },
    { name: `${what}, p99`, unit: 'ms', value: at(0.99), best: 'lowest' },
  ]
}
