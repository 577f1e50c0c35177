/**
 * Program: produces batches to a topic as fast as the broker accepts them, until the given number of bytes is written
 * or SIGTERM arrives. It is a separate process so that measurements beside it do not wait for it.
 */
import { performance } from 'node:perf_hooks'
import { produceMany, sampleBatch } from './load.ts'

const [port, topic, partitions, mostBytes] = process.argv.slice(2)
const batch = sampleBatch(1000)
const startMs = performance.now()
let isOver = false
process.once('SIGTERM', () => {
  isOver = true
})
const batches = await produceMany(Number(port), topic!, Number(partitions), batch, {
  batches: Math.ceil(Number(mostBytes) / batch.length),
  isOver: () => isOver,
})
const megabytesPerSecond = (batches * batch.length) / 1000 / (performance.now() - startMs)
console.log(JSON.stringify({ megabytesPerSecond }))
