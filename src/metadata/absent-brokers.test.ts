import { expect } from 'chai'
import { absentBrokers, foreignBrokerFault, moveAllTo } from './absent-brokers.ts'
import { ClusterUnderTest, registering } from './cluster.fixture.ts'
import { HostedReplicas } from './hosted-replicas.ts'
import { directoryOfBroker } from './partition.fixture.ts'

const OWN = directoryOfBroker(1)
const hosted = new HostedReplicas(1, [OWN])

/** Broker 1, broker 2 that ran in the same process, and broker 3 of another machine. */
function threeBrokers(): ClusterUnderTest {
  const cluster = new ClusterUnderTest(1)
  cluster.register(registering(2, { directoryIds: [hosted.idFor(2, OWN)] }))
  cluster.register(registering(3))
  return cluster
}

describe('brokers that ran in this process before', () => {
  it('are those whose data directories are here', () => {
    const { image } = threeBrokers()
    expect(absentBrokers(image, hosted)).to.deep.equal([2])
    const faults = [1, 2, 3, 4].map((nodeId) => foreignBrokerFault(image, hosted, nodeId) !== undefined)
    expect(faults).to.deep.equal([false, false, true, false])
  })

  it('cannot be known before metadata.version 3.7-IV2, so only one broker runs', () => {
    const brokers = new Map()
    const faultAt = (level: number, nodeId: number) =>
      foreignBrokerFault({ brokers, features: new Map([['metadata.version', level]]) }, hosted, nodeId)
    expect([faultAt(16, 1), faultAt(17, 2)]).to.deep.equal([undefined, undefined])
    expect(faultAt(16, 2)).to.equal(
      'broker 2 cannot run beside broker 1: metadata.version of this cluster is older than 3.7-IV2, so it would not be ' +
        'known which brokers have their data here; start with --brokers 1 and raise it: ' +
        'kafka-features.sh --bootstrap-server <host:port> upgrade --feature metadata.version=33',
    )
  })

  it('leave all to one broker, without the replicas of other machines', () => {
    const cluster = threeBrokers()
    cluster.addTopic('own', { replicas: [2], isr: [2], leader: 2 })
    cluster.addTopic('mixed', { replicas: [3, 2], isr: [3, 2], leader: 3 })
    cluster.addTopic('elsewhere', { replicas: [3], isr: [3], leader: 3 })
    cluster.play((image) => moveAllTo(1, image, hosted))
    expect(cluster.show('own')).to.match(/^leader 1 of 1 in sync 1 /)
    expect(cluster.show('mixed')).to.match(/^leader 1 of 1,3 in sync 1,3 /)
    expect(cluster.show('elsewhere')).to.match(/^leader 3 of 3 in sync 3 /)
    expect([...cluster.image.registrations.keys()].sort()).to.deep.equal([1, 3])
  })

  it('leave alone what this process does not have all of: none of its replicas was in sync', () => {
    const cluster = threeBrokers()
    cluster.addTopic('behind', { replicas: [2, 3], isr: [3], leader: 3 })
    cluster.play((image) => moveAllTo(1, image, hosted))
    expect(cluster.show('behind')).to.match(/^leader 3 of 2,3 in sync 3 /)
  })
})
