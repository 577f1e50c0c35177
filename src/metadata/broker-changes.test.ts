import { expect } from 'chai'
import {
  catchUp,
  fenceBroker,
  registerBroker,
  shutDownBroker,
  staleBrokers,
  unregisterBroker,
} from './broker-changes.ts'
import { ClusterUnderTest, decided, registering } from './cluster.fixture.ts'
import { directoryOfBroker, withoutEligibleLeaders } from './partition.fixture.ts'

/** Topic t of brokers 1, 2 and 3, in sync from min.insync.replicas on, led by 1. */
function threeBrokers({ minIsr = 2, features }: { minIsr?: number; features?: ReadonlyMap<string, number> } = {}) {
  const cluster = new ClusterUnderTest(3, features)
  cluster.settings.minIsr = minIsr
  cluster.addTopic('t', {})
  return cluster
}

describe('brokers that come and go', () => {
  it('a fenced broker leaves the in-sync replicas, and the next replica leads', () => {
    const cluster = threeBrokers()
    cluster.fence(1)
    expect(cluster.show('t')).to.equal('leader 2 of 1,2,3 in sync 2,3 epochs 1/1')
    expect(cluster.image.registrations.get(1)).to.include({ fenced: true })
    cluster.fence(3)
    expect(cluster.show('t')).to.equal('leader 2 of 1,2,3 in sync 2 eligible 3 epochs 1/2')
  })

  it('a fenced follower costs no leader epoch', () => {
    const cluster = threeBrokers()
    cluster.fence(3)
    expect(cluster.show('t')).to.equal('leader 1 of 1,2,3 in sync 1,2 epochs 0/1')
  })

  it('the last in-sync replica is eligible when it is fenced, and leads again when it returns', () => {
    const cluster = threeBrokers()
    for (const node of [2, 3, 1]) cluster.fence(node)
    expect(cluster.show('t')).to.equal('leader -1 of 1,2,3 in sync none eligible 1,3 last known 1 epochs 1/3')
    cluster.unfence(2)
    expect(cluster.partition('t').leader).to.equal(-1)
    cluster.unfence(1)
    expect(cluster.show('t')).to.equal('leader 1 of 1,2,3 in sync 1 eligible 3 epochs 2/4')
  })

  it('without eligible leaders, the last in-sync replica stays in sync', () => {
    const cluster = threeBrokers({ features: withoutEligibleLeaders })
    for (const node of [2, 3, 1]) cluster.fence(node)
    expect(cluster.show('t')).to.equal('leader -1 of 1,2,3 in sync 1 epochs 1/3')
    cluster.unfence(3)
    expect(cluster.partition('t').leader).to.equal(-1)
    cluster.unfence(1)
    expect(cluster.show('t')).to.equal('leader 1 of 1,2,3 in sync 1 epochs 2/4')
  })

  it('a replica out of sync leads if the topic allows it', () => {
    const cluster = threeBrokers({ features: withoutEligibleLeaders })
    cluster.settings.unclean = true
    for (const node of [2, 3, 1]) cluster.fence(node)
    cluster.unfence(3)
    expect(cluster.show('t')).to.equal('leader 3 of 1,2,3 in sync 3 recovering epochs 2/4')
  })

  it('a broker in controlled shutdown leads nothing, and is told so once', () => {
    const cluster = threeBrokers()
    const shutDown = () => cluster.play((image) => shutDownBroker(image, 1, cluster.settings))
    expect(shutDown()).to.equal(2)
    expect(cluster.show('t')).to.equal('leader 2 of 1,2,3 in sync 2,3 epochs 1/1')
    expect(cluster.image.registrations.get(1)).to.include({ fenced: false, inControlledShutdown: true })
    expect(shutDown()).to.equal(0)
    expect(cluster.catchUp()).to.equal(0)
  })

  it('a removed broker keeps its replicas, but leads nothing', () => {
    const cluster = threeBrokers()
    cluster.play((image) => unregisterBroker(image, 1, cluster.settings))
    expect(cluster.show('t')).to.equal('leader 2 of 1,2,3 in sync 2,3 epochs 1/1')
    expect([...cluster.image.registrations.keys()]).to.deep.equal([2, 3])
    expect(cluster.play((image) => unregisterBroker(image, 1, cluster.settings))).to.equal(0)
  })

  it('after a clean stop a broker is eligible, after an unclean one it is not', () => {
    for (const [lastStop, eligible] of [
      ['clean', [1, 3]],
      ['unclean', [1]],
    ] as const) {
      const cluster = threeBrokers()
      for (const node of [2, 3, 1]) cluster.fence(node)
      cluster.register(registering(3, { fenced: true, lastStop }))
      expect(cluster.partition('t').eligibleLeaderReplicas, lastStop).to.deep.equal(eligible)
    }
  })

  it('a leader that returns after an unclean stop, before it was fenced, loses its partitions', () => {
    const cluster = threeBrokers()
    cluster.register(registering(1, { fenced: true, lastStop: 'unclean' }))
    expect(cluster.show('t')).to.equal('leader 2 of 1,2,3 in sync 2,3 epochs 1/1')
    expect(cluster.image.registrations.get(1)).to.include({ fenced: true })
  })

  it('the last known leader leads after an unclean stop of all, and then recovers', () => {
    const cluster = threeBrokers({ minIsr: 1 })
    for (const node of [2, 3, 1]) cluster.fence(node)
    cluster.register(registering(1, { fenced: true, lastStop: 'unclean' }))
    expect(cluster.show('t')).to.equal('leader -1 of 1,2,3 in sync none last known 1 epochs 1/4')
    cluster.unfence(1)
    expect(cluster.show('t')).to.equal('leader 1 of 1,2,3 in sync 1 recovering epochs 2/5')
    cluster.unfence(2)
    cluster.catchUp()
    expect(cluster.show('t')).to.equal('leader 1 of 1,2,3 in sync 1,2 epochs 2/6')
  })

  it('a registration has the next offset as epoch, and ends a controlled shutdown', () => {
    const cluster = threeBrokers()
    cluster.play((image) => shutDownBroker(image, 1, cluster.settings))
    const epoch = cluster.image.endOffset
    cluster.register(registering(1, { rack: 'r', fenced: true }))
    expect(cluster.image.registrations.get(1)).to.deep.include({
      epoch,
      rack: 'r',
      fenced: true,
      inControlledShutdown: false,
      directories: [directoryOfBroker(1)],
    })
  })

  it('two brokers cannot have one directory: Kafka fails on such a log', () => {
    const cluster = new ClusterUnderTest(1)
    const twin = registering(2, { directoryIds: [directoryOfBroker(1)] })
    expect(() => decided(registerBroker(cluster.image, twin, cluster.settings))).to.throw('broker 1 is registered with')
    cluster.register(registering(1))
  })

  it('a replica whose directory its broker has not registered leads nothing', () => {
    const cluster = threeBrokers()
    cluster.register(registering(2, { directoryIds: [directoryOfBroker(22)] }))
    cluster.fence(1)
    expect(cluster.partition('t')).to.include({ leader: 3 })
  })

  it('a change of many partitions is made in parts, and the broker is fenced with the last', () => {
    const cluster = threeBrokers()
    cluster.addTopic('many', ...Array.from({ length: 10_500 }, () => ({})))
    const sizes: number[] = []
    const fenced: (boolean | undefined)[] = []
    cluster.play(function* (image) {
      const part = yield* fenceBroker(image, 1, cluster.settings)
      sizes.push([...part.records].length)
      fenced.push(image.registrations.get(1)?.fenced)
      return part
    })
    expect(sizes).to.deep.equal([9999, 503])
    expect(fenced).to.deep.equal([false, false])
    expect(cluster.image.registrations.get(1)?.fenced).to.equal(true)
    expect(cluster.image.topicsByName.get('many')!.partitions.filter(({ leader }) => leader !== 2)).to.deep.equal([])
  })
})

describe('replicas that live', () => {
  it('join the in-sync replicas without a new leader epoch, once', () => {
    const cluster = threeBrokers()
    cluster.fence(2)
    cluster.fence(3)
    cluster.unfence(3)
    cluster.catchUp()
    expect(cluster.show('t')).to.equal('leader 1 of 1,2,3 in sync 1,3 epochs 0/3')
    cluster.unfence(2)
    expect(cluster.catchUp()).to.equal(1)
    expect(cluster.show('t')).to.equal('leader 1 of 1,2,3 in sync 1,2,3 epochs 0/4')
    expect(cluster.catchUp()).to.equal(0)
  })

  it('complete a reassignment, and the first of the new replicas leads', () => {
    const cluster = new ClusterUnderTest(4)
    cluster.addTopic('t', {
      replicas: [3, 4, 1, 2],
      isr: [1, 2],
      leader: 1,
      addingReplicas: [3, 4],
      removingReplicas: [1, 2],
    })
    cluster.catchUp()
    expect(cluster.show('t')).to.equal('leader 3 of 3,4 in sync 3,4 epochs 1/1')
    expect(cluster.catchUp()).to.equal(0)
  })

  it('leave a reassignment pending while a replica to add is dead', () => {
    const cluster = new ClusterUnderTest(4)
    cluster.addTopic('t', { replicas: [3, 4, 1], isr: [1], leader: 1, addingReplicas: [3, 4], removingReplicas: [1] })
    cluster.fence(4)
    cluster.catchUp()
    expect(cluster.show('t')).to.equal('leader 1 of 3,4,1 in sync 1,3 adding 3,4 removing 1 epochs 0/1')
    cluster.unfence(4)
    cluster.catchUp()
    expect(cluster.show('t')).to.equal('leader 3 of 3,4 in sync 3,4 epochs 1/2')
  })

  for (const features of [undefined, withoutEligibleLeaders])
    it(`complete a reassignment away from brokers that are dead ${features === undefined ? 'with' : 'without'} ELR`, () => {
      const cluster = new ClusterUnderTest(3, features)
      const move = { replicas: [2, 3, 1], isr: [1], leader: 1, addingReplicas: [2, 3], removingReplicas: [1] }
      cluster.addTopic('t', move)
      for (const node of [3, 1]) cluster.fence(node)
      expect(cluster.partition('t')).to.include({ leader: -1 })
      cluster.catchUp()
      expect(cluster.show('t')).to.equal('leader 2 of 2,3,1 in sync 2 adding 2,3 removing 1 epochs 2/2')
      expect(cluster.catchUp()).to.equal(0)
      cluster.unfence(3)
      cluster.catchUp()
      expect(cluster.show('t')).to.equal('leader 2 of 2,3 in sync 2,3 epochs 3/3')
    })

  it('lead a partition without a leader once they are added, if they were eligible before', () => {
    const cluster = new ClusterUnderTest(3)
    const added = { replicas: [2, 3, 1], isr: [], addingReplicas: [2, 3], eligibleLeaderReplicas: [1, 2] }
    cluster.addTopic('t', { ...added, leader: -1 })
    cluster.fence(1)
    cluster.catchUp()
    expect(cluster.partition('t')).to.deep.include({ leader: 2, isr: [2, 3], addingReplicas: [] })
    expect(cluster.catchUp()).to.equal(0)
  })

  it('lead a partition without a leader if those that may lead were removed from it', () => {
    const cluster = new ClusterUnderTest(3)
    const waiting = { isr: [], leader: -1, lastKnownEligibleLeaderReplicas: [1] }
    cluster.addTopic('removed', { ...waiting, replicas: [1, 2], eligibleLeaderReplicas: [3] })
    cluster.addTopic('stays', { ...waiting, replicas: [1, 2], eligibleLeaderReplicas: [2, 3] })
    for (const node of [1, 2]) cluster.fence(node)
    expect(cluster.catchUp()).to.equal(0)
    cluster.unfence(1)
    cluster.catchUp()
    expect(cluster.partition('removed')).to.deep.include({ leader: 1, isr: [1], isRecovering: false })
    expect(cluster.partition('stays')).to.include({ leader: -1 })
    expect(cluster.catchUp()).to.equal(0)
  })

  it('lead nothing uncleanly: a replica out of sync that is not being added waits', () => {
    const cluster = threeBrokers()
    for (const node of [2, 3, 1]) cluster.fence(node)
    cluster.unfence(2)
    expect(cluster.catchUp()).to.equal(0)
  })

  it('wait while the leader is dead', () => {
    const cluster = threeBrokers()
    cluster.addTopic('u', { isr: [1] })
    cluster.register(registering(1, { fenced: true }))
    expect(decided(catchUp(cluster.image, cluster.settings)).records).to.deep.equal([])
  })
})

describe('brokers that do not run', () => {
  it('are those that are unfenced, or in sync of a partition with a leader', () => {
    const cluster = new ClusterUnderTest(4)
    cluster.register(registering(3, { fenced: true }))
    cluster.addTopic('t', { replicas: [3, 1] }, { replicas: [4], leader: -1, isr: [4] })
    const stale = (...running: number[]) => decided(staleBrokers(cluster.image, new Set(running)))
    expect(stale(1)).to.deep.equal([2, 3, 4])
    expect(stale(1, 2, 4)).to.deep.equal([3])
    for (const node of stale(1)) cluster.fence(node)
    expect(stale(1)).to.deep.equal([])
    expect(cluster.partition('t')).to.include({ leader: 1 })
  })
})
