import { expect } from 'chai'
import { buildBatch } from '../../protocol/records/batch-builder.ts'
import type { PartitionErrors } from '../coordinator/transaction/partition-verification.ts'
import type { Partition } from '../partition/partition.ts'
import type { RequestContext } from './handler.ts'
import { type VerifiedProduce, verifyProduce } from './produce-verification.ts'

const producer = { producerId: 1, producerEpoch: 0 }
const guard = { producerId: 1 }

describe('the verification of transactional records', () => {
  it('refuses a partition that is led elsewhere, though the leader moves here before the append', async () => {
    const records = buildBatch([{ value: 'a' }], { ...producer, baseSequence: 0, transactional: true })
    const partitionData = [0, 1].map((index) => ({ index, records }))
    const topicData = [{ name: 't', topicId: '', partitionData }]
    const request = { transactionalId: 'x', acks: -1, timeoutMs: 1000, topicData }
    let answer: (errors: PartitionErrors) => void = () => {}
    const asked = new Promise<PartitionErrors>((resolve) => {
      answer = resolve
    })
    const partitionVerification = { isNeeded: () => true, ask: () => asked }
    const led = { log: { beginVerification: () => guard } } as unknown as Partition
    let leaderIsHere = false
    const find = (index: number) => (index === 0 || leaderIsHere ? led : 'NOT_LEADER_OR_FOLLOWER')
    const context = { apiVersion: 12, services: { partitionVerification } } as unknown as RequestContext
    const steps = verifyProduce(request, producer, (_, index) => ({ name: 't', find: () => find(index) }), context)
    const waiting = steps.next().value
    leaderIsHere = true
    answer(() => undefined)
    await waiting
    const verified = steps.next().value as VerifiedProduce
    expect(verified.refusalOf('t', 0)).to.equal(undefined)
    expect(verified.refusalOf('t', 1)).to.deep.equal({ error: 'NOT_LEADER_OR_FOLLOWER', message: null })
  })
})
