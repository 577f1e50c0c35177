import { expect } from 'chai'
import { TransactionWorld } from '../transaction-world.fixture.ts'
import type { Producer } from './transitions.ts'

/** A producer that was answered an id and an epoch. */
function given(outcome: Producer | string | undefined): Producer {
  if (typeof outcome !== 'object') throw new Error(`no producer but ${outcome}`)
  return outcome
}

describe('transaction coordinator', () => {
  let world: TransactionWorld
  beforeEach(async () => {
    world = await TransactionWorld.started()
  })

  async function init(known?: Producer): Promise<Producer> {
    return given(await world.initialize('x', known))
  }

  const stateOf = (id = 'x') => world.state.get(id)?.state

  it('gives a new transactional id a producer id and epoch 0, then the next epochs', async () => {
    expect(await init()).to.deep.equal({ producerId: 1000, producerEpoch: 0 })
    expect(await init()).to.deep.equal({ producerId: 1000, producerEpoch: 1 })
    expect(given(await world.initialize('y'))).to.deep.equal({ producerId: 1001, producerEpoch: 0 })
  })

  it('commits: markers after the decision, with the epochs of producer and coordinator', async () => {
    const producer = await init()
    expect(await world.add('x', producer, 0)).to.equal(undefined)
    expect(await world.add('x', producer, 3)).to.equal(undefined)
    expect(stateOf()).to.equal('Ongoing')
    expect(world.markers).to.deep.equal([])
    expect(await world.end('x', producer, 'commit')).to.equal(undefined)
    const marker = { ...producer, coordinatorEpoch: 0, result: 'commit', transactionVersion: 0, topic: 't' }
    expect(world.markers).to.deep.equal([
      { ...marker, partition: 0 },
      { ...marker, partition: 3 },
    ])
    expect(stateOf()).to.equal('CompleteCommit')
    expect(await world.end('x', producer, 'commit')).to.equal(undefined)
    expect(await world.end('x', producer, 'abort')).to.equal('INVALID_TXN_STATE')
  })

  it('gives the next epoch with each end of a client of KIP-890, and answers a repeated end alike', async () => {
    const first = await init()
    await world.add('x', first, 0, 2)
    const second = { ...first, producerEpoch: 1 }
    expect(await world.end('x', first, 'commit', 2)).to.deep.equal(second)
    expect(world.markers).to.have.length(1)
    expect(world.markers[0]).to.include({ producerEpoch: 1, transactionVersion: 2, result: 'commit' })
    expect(await world.end('x', first, 'commit', 2)).to.deep.equal(second)
    expect(await world.end('x', first, 'abort', 2)).to.equal('INVALID_TXN_STATE')
    expect(await world.end('x', { ...first, producerEpoch: 7 }, 'abort', 2)).to.equal('PRODUCER_FENCED')
    expect(await world.add('x', first, 0, 2)).to.equal('PRODUCER_FENCED')
    expect(await world.add('x', second, 0, 2)).to.equal(undefined)
  })

  it('refuses everything while markers are written, whoever asks', async () => {
    world.leaderAnswers = () => undefined
    const first = await init()
    await world.add('x', first, 0, 2)
    const second = given(await world.end('x', first, 'commit', 2))
    for (const producer of [first, second, { producerId: 7, producerEpoch: 7 }]) {
      for (const result of ['commit', 'abort'] as const)
        expect(await world.end('x', producer, result, 2)).to.equal('CONCURRENT_TRANSACTIONS')
      expect(await world.add('x', producer, 0, 2)).to.equal('CONCURRENT_TRANSACTIONS')
      expect(await world.initialize('x', producer)).to.equal('CONCURRENT_TRANSACTIONS')
    }
    expect(await world.end('x', first, 'commit')).to.equal('PRODUCER_FENCED')
    expect(await world.end('x', second, 'abort')).to.equal('CONCURRENT_TRANSACTIONS')
  })

  it('lets a client of KIP-890 abort without a transaction, and not commit', async () => {
    const first = await init()
    expect(await world.end('x', first, 'commit', 2)).to.equal('INVALID_TXN_STATE')
    expect(await world.end('x', first, 'abort', 2)).to.deep.equal({ ...first, producerEpoch: 1 })
    expect(stateOf()).to.equal('CompleteAbort')
    expect(world.state.get('x')!.startMs).to.equal(world.host.clock.nowMs())
    expect(world.markers).to.deep.equal([])
  })

  it('changes to another producer id when the epochs are used up', async () => {
    const first = await init()
    for (let epoch = 1; epoch <= 32_766; epoch++) await world.coordinator.initialize(initOf('x'))
    await world.host.advance(1)
    const last = { ...first, producerEpoch: 32_766 }
    await world.add('x', last, 0, 2)
    const rotated = { producerId: first.producerId + 1, producerEpoch: 0 }
    expect(await world.end('x', last, 'commit', 2)).to.deep.equal(rotated)
    expect(world.markers[0]).to.include({ producerId: first.producerId, producerEpoch: 32_767 })
    expect(await world.end('x', last, 'commit', 2)).to.deep.equal(rotated)
    expect(await world.end('x', rotated, 'commit', 2)).to.equal('INVALID_TXN_STATE')
    expect(await world.initialize('x', last), 'as if the answer was lost').to.deep.equal(rotated)
    expect(await world.initialize('x', rotated)).to.deep.equal({ ...rotated, producerEpoch: 1 })
  }).timeout(20_000)

  it('aborts the open transaction of another instance, which then gets another epoch', async () => {
    const zombie = await init()
    await world.add('x', zombie)
    expect(await world.initialize('x')).to.equal('CONCURRENT_TRANSACTIONS')
    expect(world.markers[0]).to.include({ producerEpoch: 1, result: 'abort' })
    expect(await init()).to.deep.equal({ ...zombie, producerEpoch: 2 })
    expect(await world.add('x', zombie)).to.equal('PRODUCER_FENCED')
    expect(await world.end('x', zombie, 'commit')).to.equal('PRODUCER_FENCED')
  })

  it('lets a producer resume with its id and epoch, once more for a lost answer, and fences all others (KIP-360)', async () => {
    const first = await init()
    const second = given(await world.initialize('x', first))
    expect(second).to.deep.equal({ ...first, producerEpoch: 1 })
    expect(await world.initialize('x', first)).to.deep.equal(second)
    expect(await world.initialize('x', { ...first, producerEpoch: 9 })).to.equal('PRODUCER_FENCED')
    expect(await world.initialize('x', { producerId: 5, producerEpoch: 1 })).to.equal('PRODUCER_FENCED')
    expect(await world.initialize('x', second)).to.deep.equal({ ...first, producerEpoch: 2 })
    expect(await world.initialize('x', first)).to.equal('PRODUCER_FENCED')
  })

  it('aborts a transaction that is open for longer than its timeout', async () => {
    const producer = given(await world.initialize('x', undefined, 5000))
    await world.add('x', producer)
    await world.host.advance(10_001)
    expect(stateOf()).to.equal('CompleteAbort')
    expect(world.markers[0]).to.include({ producerEpoch: 1, result: 'abort' })
    expect(await world.end('x', producer, 'commit')).to.equal('PRODUCER_FENCED')
  })

  it('forgets a transactional id that was not used for long', async () => {
    const producer = await init()
    await world.add('x', producer)
    await world.end('x', producer, 'commit')
    await world.initialize('y', undefined, 900_000)
    await world.host.advance(6 * 24 * 3_600_000)
    await world.initialize('y')
    await world.host.advance(2 * 24 * 3_600_000)
    expect(stateOf('x')).to.equal(undefined)
    expect(stateOf('y')).to.equal('Empty')
  })

  it('sends a marker again until its leader takes it', async () => {
    const answers = ['NOT_LEADER_OR_FOLLOWER', undefined, 'KAFKA_STORAGE_ERROR', 'NONE'] as const
    let asked = 0
    world.leaderAnswers = ({ partition }) => (partition === 0 ? answers[asked++] : 'NONE')
    const producer = await init()
    await world.add('x', producer, 0)
    await world.add('x', producer, 1)
    expect(await world.end('x', producer, 'abort')).to.equal(undefined)
    expect(stateOf()).to.equal('PrepareAbort')
    expect(await world.end('x', producer, 'abort')).to.equal('CONCURRENT_TRANSACTIONS')
    expect(await world.add('x', producer)).to.equal('CONCURRENT_TRANSACTIONS')
    expect(await world.initialize('x')).to.equal('CONCURRENT_TRANSACTIONS')
    const { topics } = await world.host.settle(world.coordinator.describe('x'))
    expect(topics, 'what has no marker yet').to.deep.equal([{ topic: 't', partitions: [0] }])
    await world.host.advance(1000)
    expect(world.markers.map(({ partition }) => partition)).to.deep.equal([1, 0])
    expect(stateOf()).to.equal('CompleteAbort')
  })

  it('skips partitions that were deleted', async () => {
    const producer = await init()
    await world.coordinator.addPartitions('x', producer, new Map([['gone', new Set([0])]]), 0)
    await world.add('x', producer, 9)
    expect(await world.end('x', producer, 'commit')).to.equal(undefined)
    expect(stateOf()).to.equal('CompleteCommit')
    expect(world.markers).to.deep.equal([])
  })

  it('gives up a transaction that a newer coordinator has ended', async () => {
    world.leaderAnswers = () => 'TRANSACTION_COORDINATOR_FENCED'
    const producer = await init()
    await world.add('x', producer)
    await world.end('x', producer, 'commit')
    await world.host.advance(60_000)
    expect(stateOf()).to.equal('PrepareCommit')
  })

  it('completes prepared transactions after a restart, with the epoch of the new coordinator', async () => {
    world.leaderAnswers = () => undefined
    const producer = await init()
    await world.add('x', producer)
    await world.end('x', producer, 'commit')
    await world.host.advance(50)
    await world.restart()
    world.leaderAnswers = () => 'NONE'
    await world.host.advance(1000)
    expect(world.markers).to.have.length(1)
    expect(world.markers[0]).to.include({ ...producer, coordinatorEpoch: 1, result: 'commit' })
    expect(stateOf()).to.equal('CompleteCommit')
  })

  it('writes no marker before the decision is durable, and none if it is lost', async () => {
    const producer = await init()
    await world.add('x', producer)
    let lose = (_: Error) => {}
    world.log.gate = new Promise((_, reject) => {
      lose = reject
    })
    const ended = world.coordinator.end('x', { ...producer, result: 'commit' }, 0)
    await world.host.advance(100)
    expect(world.markers).to.deep.equal([])
    lose(new Error('the disk failed'))
    world.log.gate = undefined
    expect(await world.host.settle(ended)).to.include({ error: 'NOT_COORDINATOR' })
    await world.host.advance(2000)
    expect(world.markers).to.deep.equal([])
    expect(stateOf()).to.equal('Ongoing')
  })

  it('changes nothing while its log takes no records, and completes once it does', async () => {
    const producer = await init()
    await world.add('x', producer)
    world.leaderAnswers = () => {
      world.log.isRefusing = true
      return 'NONE'
    }
    expect(await world.end('x', producer, 'commit')).to.equal(undefined)
    await world.host.advance(5000)
    expect(stateOf()).to.equal('PrepareCommit')
    expect(await world.initialize('y')).to.equal('COORDINATOR_NOT_AVAILABLE')
    world.log.isRefusing = false
    await world.host.advance(5000)
    expect(stateOf()).to.equal('CompleteCommit')
    expect(world.markers).to.have.length(1)
    expect(stateOf('y')).to.equal(undefined)
  })

  it('answers who waits for the end of a transaction', async () => {
    let isLeaderBack = false
    world.leaderAnswers = () => (isLeaderBack ? 'NONE' : undefined)
    const producer = await init()
    await world.add('x', producer)
    await world.end('x', producer, 'commit')
    const events: string[] = []
    world.coordinator.onComplete('x', () => events.push('complete'))
    await world.host.advance(5)
    expect(events).to.deep.equal([])
    isLeaderBack = true
    world.metadataChanged()
    await world.host.advance(1)
    expect(events).to.deep.equal(['complete'])
    world.coordinator.onComplete('x', () => events.push('at once'))
    expect(events).to.deep.equal(['complete', 'at once'])
  })

  it('refuses what Kafka refuses before it looks for the transaction', async () => {
    expect(await world.initialize('')).to.equal('INVALID_REQUEST')
    expect(await world.initialize('x', undefined, 0)).to.equal('INVALID_TRANSACTION_TIMEOUT')
    expect(await world.initialize('x', undefined, 900_001)).to.equal('INVALID_TRANSACTION_TIMEOUT')
    expect(await world.initialize('x', undefined, 900_000)).to.be.an('object')
    expect(await world.host.settle(world.coordinator.initialize({ ...initOf('x'), enable2Pc: true }))).to.include({
      error: 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
    })
    const keep = { ...initOf('x'), keepPreparedTxn: true }
    expect(await world.host.settle(world.coordinator.initialize(keep))).to.include({ error: 'UNSUPPORTED_VERSION' })
    expect(await world.add('', { producerId: 1, producerEpoch: 0 })).to.equal('INVALID_REQUEST')
    expect(await world.add('unknown', { producerId: 1, producerEpoch: 0 })).to.equal('INVALID_PRODUCER_ID_MAPPING')
    expect(await world.end('unknown', { producerId: 1, producerEpoch: 0 }, 'abort')).to.equal(
      'INVALID_PRODUCER_ID_MAPPING',
    )
  })

  it('keeps a transaction of a two-phase commit open', async () => {
    world = await TransactionWorld.started({ 'transaction.two.phase.commit.enable': 'true' })
    const producer = given(
      (await world.host.settle(world.coordinator.initialize({ ...initOf('x'), enable2Pc: true }))) as Producer,
    )
    await world.add('x', producer)
    await world.host.advance(30 * 24 * 3_600_000)
    expect(stateOf()).to.equal('Ongoing')
  })
})

function initOf(transactionalId: string) {
  const producer = { producerId: -1, producerEpoch: -1 }
  return { transactionalId, transactionTimeoutMs: 60_000, ...producer, enable2Pc: false, keepPreparedTxn: false }
}
