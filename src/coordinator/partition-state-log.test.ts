import { expect } from 'chai'
import { RecordBatch } from '../../protocol/records/record-batch.ts'
import { readRecords } from '../../protocol/records/record-reader.ts'
import { SimulatedHost } from '../../storage/host/simulated-host.ts'
import { TurnSlices } from '../../storage/host/turn-slices.ts'
import type { Partition } from '../partition/partition.ts'
import { PartitionStateLog } from './partition-state-log.ts'

const records = [
  { key: Buffer.from('key'), value: Buffer.from('value '.repeat(100)) },
  { key: Buffer.from('gone'), value: null },
]

/** Partition that collects the appended batches. */
function partitionInto(batches: Buffer[]): Partition {
  const append = async (batch: Buffer) => {
    batches.push(batch)
    return { baseOffset: 0, lastOffset: records.length - 1 }
  }
  return { leaderEpoch: 3, append } as unknown as Partition
}

describe('the log of a coordinator', () => {
  for (const [id, compression] of (['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const).entries()) {
    it(`is written with the codec that it was given: ${compression}`, async () => {
      const batches: Buffer[] = []
      const log = new PartitionStateLog(() => partitionInto(batches), new TurnSlices(new SimulatedHost()), compression)
      const transaction = { producerId: 7, producerEpoch: 1 }
      expect(await log.append(records, { nowMs: 5 })).to.equal(2)
      await log.append(records, { nowMs: 5, transaction })
      for (const [i, bytes] of batches.entries()) {
        const batch = new RecordBatch(bytes)
        expect(batch.compression).to.equal(id)
        expect(batch.isTransactional).to.equal(i === 1)
        const read = readRecords(batch) as { key: Buffer; value: Buffer | null }[]
        expect(read.map(({ key, value }) => [`${key}`, value === null ? null : `${value}`])).to.deep.equal([
          ['key', 'value '.repeat(100)],
          ['gone', null],
        ])
      }
    })
  }

  it('keeps the order of appends that wait until the log is open, and of one right after', async () => {
    const batches: Buffer[] = []
    let open: (partition: Partition) => void = () => {}
    let found: Partition | Promise<Partition> = new Promise<Partition>((resolve) => (open = resolve))
    const log = new PartitionStateLog(() => found, new TurnSlices(new SimulatedHost()))
    const append = (key: string) => log.append([{ key: Buffer.from(key), value: null }], { nowMs: 5 })
    const appends = [append('a'), append('b')]
    found = partitionInto(batches)
    open(found)
    appends.push(append('c'))
    await Promise.all(appends)
    appends.push(append('d'))
    await Promise.all(appends)
    const keys = batches.map((bytes) => String((readRecords(new RecordBatch(bytes)) as { key: Buffer }[])[0]!.key))
    expect(keys).to.deep.equal(['a', 'b', 'c', 'd'])
  })
})
