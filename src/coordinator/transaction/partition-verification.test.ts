import { expect } from 'chai'
import { TransactionWorld } from '../transaction-world.fixture.ts'
import { type PartitionErrors, PartitionVerification, type TransactionSupport } from './partition-verification.ts'
import type { Producer } from './transitions.ts'

describe('verification of partitions', () => {
  let world: TransactionWorld
  let producer: Producer
  let isThere: boolean

  beforeEach(async () => {
    world = await TransactionWorld.started({ 'add.partitions.to.txn.retry.backoff.max.ms': '100' })
    producer = (await world.initialize('x')) as Producer
    isThere = true
  })

  function verification(): PartitionVerification {
    return new PartitionVerification({
      host: world.host,
      image: () => world.image,
      config: () => world.configs.broker,
      find: () => (isThere ? { transactions: world.coordinator, markers: undefined as never } : undefined),
    })
  }

  async function ask(support: TransactionSupport, by = producer, partitions = [0, 1]): Promise<PartitionErrors> {
    const asked = { transactionalId: 'x', ...by, partitions: new Map([['t', new Set(partitions)]]) }
    return world.host.settle(Promise.resolve(verification().ask(asked, support)))
  }

  it('names the partitions that are not in the transaction, by what the client knows', async () => {
    await world.add('x', producer, 1)
    const basic = await ask('basic')
    expect([basic('t', 0), basic('t', 1)]).to.deep.equal(['INVALID_TXN_STATE', undefined])
    const newer = await ask('knows TRANSACTION_ABORTABLE')
    expect([newer('t', 0), newer('t', 1)]).to.deep.equal(['TRANSACTION_ABORTABLE', undefined])
  })

  it('adds partitions for clients of KIP-890', async () => {
    const errors = await ask('adds partitions')
    expect([errors('t', 0), errors('t', 1)]).to.deep.equal([undefined, undefined])
    expect(world.state.get('x')!.partitions.get('t')).to.deep.equal(new Set([0, 1]))
  })

  it('tells a fenced producer that its epoch is invalid, and others why they are unknown', async () => {
    await world.initialize('x')
    for (const support of ['basic', 'adds partitions'] as const) {
      expect((await ask(support))('t', 0)).to.equal('INVALID_PRODUCER_EPOCH')
      expect((await ask(support, { producerId: 5, producerEpoch: 0 }))('t', 0)).to.equal('INVALID_PRODUCER_ID_MAPPING')
    }
    isThere = false
    expect((await ask('adds partitions'))('t', 0)).to.equal('COORDINATOR_NOT_AVAILABLE')
    expect((await ask('basic'))('t', 0)).to.equal('COORDINATOR_NOT_AVAILABLE')
  })

  it('waits for the end of the transaction before, and no longer than the setting says', async () => {
    let hasLeader = false
    world.leaderAnswers = () => (hasLeader ? 'NONE' : undefined)
    await ask('adds partitions')
    const next = (await world.end('x', producer, 'commit', 2)) as Producer
    const startMs = world.host.clock.monotonicMs()
    expect((await ask('adds partitions', next))('t', 0)).to.equal('CONCURRENT_TRANSACTIONS')
    expect(world.host.clock.monotonicMs() - startMs).to.be.within(100, 120)
    hasLeader = true
    const waiting = verification().ask(
      { transactionalId: 'x', ...next, partitions: new Map([['t', new Set([2])]]) },
      'adds partitions',
    )
    world.metadataChanged()
    const errors = await world.host.settle(Promise.resolve(waiting))
    expect(errors('t', 2)).to.equal(undefined)
  })

  it('verifies nothing for old clients if the setting is off', async () => {
    world = await TransactionWorld.started({ 'transaction.partition.verification.enable': 'false' })
    expect(verification().isNeeded('basic')).to.equal(false)
    expect(verification().isNeeded('adds partitions')).to.equal(true)
  })
})
