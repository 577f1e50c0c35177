import { performance } from 'node:perf_hooks'
import { fetchOnce, produce, produceFrame, sampleBatch } from './load.ts'
import { LoadConnection } from './load-connection.ts'
import type { Figure } from './section.ts'

const RECORD_BYTES = 100

/**
 * Produces records one by one at a fixed rate with acks=1, without waiting for the previous acknowledgement. Measures
 * the time to each acknowledgement, and to a waiting consumer. Ends after `count` records, or early if `isOver` returns
 * true.
 */
export async function pacedRecords(
  port: number,
  topic: string,
  { perSecond, count, isOver = () => false }: { perSecond: number; count: number; isOver?: () => boolean },
): Promise<Figure[]> {
  const [producer, consumer] = await Promise.all([LoadConnection.connect(port), LoadConnection.connect(port)])
  const frame = produceFrame(topic, 0, sampleBatch(RECORD_BYTES, 1))
  const sentMs: number[] = []
  const acknowledged: number[] = []
  const received: number[] = []
  let wanted = count
  const consuming = (async () => {
    for (let offset = 0; offset < wanted; ) {
      const { nextOffset } = await fetchOnce(consumer, topic, 0, offset)
      for (; offset < nextOffset; offset++) received.push(performance.now() - sentMs[offset]!)
    }
  })()
  const startMs = performance.now()
  const sending: Promise<void>[] = []
  while (sending.length < wanted) {
    const dueMs = startMs + (sending.length * 1000) / perSecond
    if (performance.now() < dueMs) await new Promise((resolve) => setTimeout(resolve, 1))
    else {
      const sent = performance.now()
      sentMs.push(sent)
      sending.push(produce(producer, frame).then(() => void acknowledged.push(performance.now() - sent)))
      if (isOver()) wanted = sending.length
    }
  }
  await Promise.all([...sending, consuming])
  producer.close()
  consumer.close()
  return [...percentiles('acknowledged', acknowledged), ...percentiles('received', received)]
}

/** Median and 99th percentile of times in milliseconds. */
export function percentiles(what: string, times: number[]): Figure[] {
  const sorted = times.toSorted((a, b) => a - b)
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!
  return [
    { name: `${what}, p50`, unit: 'ms', value: at(0.5), best: 'lowest' },
    { name: `${what}, p99`, unit: 'ms', value: at(0.99), best: 'lowest' },
  ]
}
