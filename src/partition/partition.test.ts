import { expect } from 'chai'
import { buildBatch } from '../../protocol/records/batch-builder.ts'
import type { AppendOrigin } from '../../storage/partition-log.ts'
import type { PartitionImage } from '../metadata/metadata-image.ts'
import { MemoryLog } from './memory-log.fixture.ts'
import { Partition } from './partition.ts'

const batch = () => buildBatch([{ key: null, value: 'v', timestamp: 1000 }])
const { length } = batch()

/** A partition with three replicas, two of which must be in sync. */
function rig(isr: readonly number[] = [1, 2, 3]) {
  const log = new MemoryLog()
  const events: number[] = []
  let minInsyncReplicas = 2
  const image = { leader: 1, leaderEpoch: 0, replicas: [1, 2, 3], isr } as unknown as PartitionImage
  const partition = new Partition({
    nodeId: 1,
    topic: 't',
    topicId: 'BAAAAAAAAAAAAAAAAAAAAA',
    partition: 0,
    image,
    log,
    settings: () => ({ minInsyncReplicas }) as never,
    readable: (_, bytes) => events.push(bytes),
  })
  const append = async (acks: number, origin: AppendOrigin = 'client') => {
    const result = await partition.append(batch(), { origin, acks, leaderEpoch: 0, nowMs: 0 })
    return 'error' in result ? result.error : result.baseOffset
  }
  const update = (changes: Partial<PartitionImage>) => partition.update({ ...image, ...changes })
  const requireInSync = (count: number) => {
    minInsyncReplicas = count
    partition.settingsChanged()
  }
  return { log, events, partition, append, update, requireInSync }
}

describe('a partition', () => {
  it('reports readable bytes, whoever appended them, until it is retired', async () => {
    const { log, events, partition, append } = rig()
    await append(1)
    await log.append(batch(), { origin: 'client', leaderEpoch: 0, nowMs: 0 })
    expect(events).to.deep.equal([length, length])
    partition.retire({ error: 'NOT_LEADER_OR_FOLLOWER', code: 6, message: '' })
    await log.append(batch(), { origin: 'client', leaderEpoch: 0, nowMs: 0 })
    expect(events).to.have.length(2)
  })

  for (const [released, release] of [
    ['another replica is in sync', ({ update }) => update({ isr: [1, 2] })],
    ['fewer are required', ({ requireInSync }) => requireInSync(1)],
  ] as [string, (of: ReturnType<typeof rig>) => void][]) {
    it(`acknowledges acks=1 while too few replicas are in sync, but readers see it only once ${released}`, async () => {
      const tested = rig([1])
      const { partition, append, events } = tested
      expect(await append(1)).to.equal(0)
      expect(await append(-1)).to.equal('NOT_ENOUGH_REPLICAS')
      expect([partition.logEndOffset, partition.highWatermark, events]).to.deep.equal([1, 0, []])
      release(tested)
      expect([partition.highWatermark, events]).to.deep.equal([1, [length]])
      expect(await append(-1)).to.equal(1)
    })
  }

  it('hides new records from when replicas drop out, or more are required', async () => {
    for (const hide of [
      ({ update }: ReturnType<typeof rig>) => update({ isr: [1] }),
      ({ update, requireInSync }: ReturnType<typeof rig>) => {
        update({ isr: [1, 2] })
        requireInSync(3)
      },
    ]) {
      const tested = rig()
      await tested.append(-1)
      hide(tested)
      await tested.append(1)
      expect([tested.partition.logEndOffset, tested.partition.highWatermark]).to.deep.equal([2, 1])
    }
  })

  it('never requires more replicas than it has', async () => {
    const { partition, append, update, requireInSync } = rig()
    update({ replicas: [1], isr: [1] })
    requireInSync(3)
    expect(await append(-1)).to.equal(0)
    expect(partition.highWatermark).to.equal(1)
  })

  it('answers NOT_ENOUGH_REPLICAS_AFTER_APPEND if replicas drop out during the flush, to clients with acks=-1', async () => {
    const { log, partition, append, update } = rig()
    log.flushing = async () => update({ isr: [1] })
    const answers = await Promise.all([append(-1), append(1)])
    expect(answers).to.deep.equal(['NOT_ENOUGH_REPLICAS_AFTER_APPEND', 1])
    expect([partition.logEndOffset, partition.highWatermark]).to.deep.equal([2, 0])
  })

  it('accepts records of a coordinator whose replicas drop out during the flush', async () => {
    const { log, append, update } = rig()
    log.flushing = async () => update({ isr: [1] })
    expect(await append(-1, 'coordinator')).to.equal(0)
  })

  it('refuses an append that had to wait if another broker leads by then', async () => {
    const { log, append, update } = rig()
    const appendNow = log.append.bind(log)
    log.append = async (records, context) => {
      update({ leader: 2, leaderEpoch: 1 })
      const epoch = context.epochNow?.() ?? context.leaderEpoch
      return typeof epoch === 'number' ? appendNow(records, context) : epoch
    }
    expect(await append(1)).to.equal('NOT_LEADER_OR_FOLLOWER')
    expect(log.logEndOffset).to.equal(0)
  })
})
