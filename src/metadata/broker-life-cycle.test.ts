import { expect } from 'chai'
import { InvariantError, invariant } from '../../protocol/invariant.ts'
import { newTopic, StoreOnMemory } from './metadata-store.fixture.ts'
import { NotWritten } from './metadata-writer.ts'

/** Brokers 1 to 3 of one process, and topic t with a replica on each. */
async function threeBrokers() {
  const opened = await StoreOnMemory.start(undefined, { 'min.insync.replicas': '2' })
  const { host, change, store } = opened
  for (const nodeId of [2, 3]) await host.settle(store.brokers.register(brokerOf(nodeId), change))
  await opened.create(newTopic('t', { replicationFactor: 3, assignments: new Map() }))
  return { opened, host, change, store, brokers: store.brokers }
}

const brokerOf = (nodeId: number) => ({
  nodeId,
  rack: null,
  directoryIds: [`directoryOfBroker000${nodeId}A`],
  advertised: [],
  fenced: false,
})

const partitionOf = ({ store }: { store: StoreOnMemory['store'] }) => store.image.topicsByName.get('t')!.partitions[0]!
const sorted = (nodes: readonly number[]) => [...nodes].sort()

describe('brokers of a process', () => {
  it('register with the offset of their record as epoch', async () => {
    const { store, host, change, brokers } = await threeBrokers()
    const { endOffset } = store.image
    expect(await host.settle(brokers.register({ ...brokerOf(2), fenced: true }, change))).to.equal(endOffset)
    expect(store.image.registrations.get(2)).to.include({ epoch: endOffset, fenced: true })
  })

  it('leave the in-sync replicas when they die, and join them again when they live', async () => {
    const { store, host, change, brokers } = await threeBrokers()
    const { leader } = partitionOf({ store })
    const dead = leader === 1 ? 2 : leader
    await host.settle(brokers.fence(dead, change))
    expect(partitionOf({ store }).isr).to.not.include(dead)
    expect(partitionOf({ store }).leader).to.not.equal(dead)
    await host.settle(brokers.unfence(dead, change))
    await host.advance(100)
    expect(sorted(partitionOf({ store }).isr)).to.deep.equal([1, 2, 3])
  })

  it('are not unregistered while they start', async () => {
    const { store, host, change, brokers } = await threeBrokers()
    await host.settle(brokers.fence(2, change))
    const registered = brokers.register({ ...brokerOf(2), lastStop: 'clean' }, change)
    const removed = store.unregisterBroker(2, change)
    const [, refusal] = await host.settle(Promise.all([registered, removed]))
    expect(refusal).to.include({ error: 'INVALID_REQUEST', message: 'Broker ID 2 is running' })
    expect(store.image.registrations.get(2)).to.include({ fenced: false })
  })

  it('end the process if an invariant breaks while they catch up', async () => {
    const { host, brokers } = await threeBrokers()
    brokers.caughtUp = async () => invariant(false, 'broken')
    brokers.catchUpSoon()
    await host.advance(100)
    expect(host.fatalReason).to.be.instanceOf(InvariantError)
  })

  it('keep their leaders if the process stops in the middle of an election', async () => {
    const opened = await StoreOnMemory.start()
    const { host, change, store } = opened
    await host.settle(store.brokers.register(brokerOf(2), change))
    const assignments = new Map(Array.from({ length: 2500 }, (_, index) => [index, [2, 1]] as const))
    await opened.create(newTopic('t', { partitionCount: -1, replicationFactor: -1, assignments }))
    await host.settle(store.brokers.fence(2, change))
    await host.settle(store.brokers.unfence(2, change))
    await host.advance(1000)
    const balanced = store.balanceLeaders(change).catch((error: Error) => error)
    const [failure] = await host.settle(Promise.all([balanced, store.stop()]))
    expect(failure).to.be.instanceOf(NotWritten)
    const again = await StoreOnMemory.start(host, {}, { isControllerOnly: true })
    const leaders = new Set(again.store.image.topicsByName.get('t')!.partitions.map(({ leader }) => leader))
    expect([...leaders].sort()).to.deep.equal([1, 2])
  })

  it('keep their partitions over a stop and start of the process', async () => {
    const { opened, store, host, change } = await threeBrokers()
    const before = partitionOf({ store })
    await host.settle(store.stop())
    const again = await StoreOnMemory.start(host)
    const fenced = [...again.store.image.registrations.values()].map((broker) => [broker.nodeId, broker.fenced])
    expect(fenced).to.deep.equal([
      [1, false],
      [2, true],
      [3, true],
    ])
    for (const nodeId of [2, 3]) await host.settle(again.store.brokers.register(brokerOf(nodeId), opened.change))
    await host.settle(again.store.brokers.reconcile(new Set([1, 2, 3]), change))
    expect(partitionOf(again)).to.deep.equal(before)
  })

  it('that do not run after a kill of the process lose their partitions', async () => {
    const { host, change } = await threeBrokers()
    host.crash()
    const again = await StoreOnMemory.start(host)
    expect(again.store.image.registrations.get(3)).to.include({ fenced: false })
    await host.settle(again.store.brokers.reconcile(new Set([1]), change))
    expect(again.store.image.registrations.get(3)).to.include({ fenced: true })
    expect(partitionOf(again)).to.deep.include({ leader: 1, isr: [1] })
  })

  it('can be absent: the controller starts without a broker', async () => {
    const { opened, store, host, change } = await threeBrokers()
    await host.settle(store.brokers.fence(1, change))
    await host.settle(store.stop())
    const again = await StoreOnMemory.start(opened.host, {}, { isControllerOnly: true })
    expect(again.store.image.registrations.get(1)).to.include({ fenced: true })
    expect(again.store.image.controllerId).to.equal(1)
    await host.settle(again.store.brokers.register(brokerOf(1), change))
    expect(again.store.image.registrations.get(1)).to.include({ fenced: false })
  })

  it('of which a change could not be written live on', async () => {
    const { store, host, change, brokers } = await threeBrokers()
    host.files.rates = { ...host.files.rates, writeError: 1 }
    const failure = await host.settle(brokers.fence(3, change).catch((error: unknown) => error))
    expect(failure).to.be.instanceOf(NotWritten)
    expect(store.image.registrations.get(3)).to.include({ fenced: false })
  })
})
