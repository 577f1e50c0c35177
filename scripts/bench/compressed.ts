import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { type BrokerProgram, ottla } from '../../compat-tests/broker-program.ts'
import { TestBroker } from '../../compat-tests/test-broker.ts'
import type { CompressionName } from '../../protocol/compression/codec.ts'
import { buildBatch } from '../../protocol/records/batch-builder.ts'
import { produceMany, withTopic } from './load.ts'
import { cpuSeconds } from './measured-process.ts'
import type { Figure, Section } from './section.ts'

const GB = 1e9
const PARTITIONS = 6
const RECORD_BYTES = 1000
const CODECS: readonly CompressionName[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd']
const OPTIONAL_PACKAGES = ['lz4-napi', '@node-rs/crc32']

/** Ottla as installed without any optional package. */
const withoutOptionalPackages: BrokerProgram = {
  ...ottla,
  prepare: ({ directory }) => writeFileSync(join(directory, 'without.cjs'), WITHOUT),
  command: async (place) => {
    const [node, ...args] = await ottla.command(place)
    return [node!, '--require', join(place.directory, 'without.cjs'), ...args]
  },
}

const WITHOUT = `const module_ = require('node:module')
const load = module_._load
module_._load = (name, ...rest) => {
  if (${JSON.stringify(OPTIONAL_PACKAGES)}.includes(name)) throw new Error(name + ' is left out')
  return load(name, ...rest)
}
`

let topicCount = 0

/**
 * Produces batches of each codec, which the broker decompresses and checks: bytes of values before compression, acks=1.
 */
export function compressed(batchBytes: number): Section {
  const size = batchBytes >= 1_000_000 ? `${batchBytes / 1_000_000} MB` : `${Math.round(batchBytes / 1000)} KB`
  return {
    name: `produce compressed, ${size} batches`,
    async run({ name, broker }, { quick }) {
      const figures = await produceEach(broker, batchBytes, quick)
      if (name !== 'Ottla') return figures
      const settings = { 'log.segment.delete.delay.ms': '0' }
      const stripped = await TestBroker.start({ program: withoutOptionalPackages, settings })
      try {
        const without = await produceEach(stripped, batchBytes, quick)
        return [...figures, ...without.map((figure) => ({ ...figure, of: 'no packages' }))]
      } finally {
        await stripped.dispose()
      }
    },
  }
}

async function produceEach(broker: TestBroker, batchBytes: number, quick: boolean): Promise<Figure[]> {
  const figures: Figure[] = []
  for (const codec of CODECS) {
    const batch = compressedBatch(codec, batchBytes)
    const batches = Math.ceil((quick ? 0.1 * GB : 0.5 * GB) / batchBytes)
    const topic = `compressed-${codec}-${topicCount++}`
    await withTopic(broker.port, topic, PARTITIONS, async () => {
      const [startedMs, cpuBefore] = [performance.now(), cpuSeconds(broker.pid)]
      await produceMany(broker.port, topic, PARTITIONS, batch, { batches })
      const seconds = (performance.now() - startedMs) / 1000
      const cpu = cpuSeconds(broker.pid) - cpuBefore
      const bytes = batches * batchBytes
      figures.push(
        { name: codec, unit: 'MB/s', value: bytes / 1e6 / seconds, best: 'highest' },
        { name: `${codec}, broker CPU`, unit: 's/GB', value: (cpu * GB) / bytes, best: 'lowest' },
      )
    })
  }
  return figures
}

/** Text records, which the codecs compress to between a third and a fifth. */
function compressedBatch(compression: CompressionName, batchBytes: number): Buffer {
  const timestamp = Date.now()
  const records = Array.from({ length: Math.floor(batchBytes / RECORD_BYTES) }, (_, i) => ({
    timestamp,
    key: null,
    value: textOf(i),
  }))
  return buildBatch(records, { compression })
}

/** Words in an order that does not repeat soon. */
function textOf(seed: number): string {
  let state = (seed + 1) * 2_654_435_761
  let text = ''
  while (text.length < RECORD_BYTES) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    text += `${WORDS[(state >>> 16) % WORDS.length]} ${(state >>> 8) & 0xff} `
  }
  return text.slice(0, RECORD_BYTES)
}

const WORDS = ['offset', 'leader', 'replica', 'segment', 'broker', 'record', 'epoch', 'consumer', 'producer', 'topic']
