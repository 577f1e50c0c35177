import { expect } from 'chai'
import { isRejection } from '../../protocol/error-codes.ts'
import { shutDownBroker } from './broker-changes.ts'
import { ClusterUnderTest, registering } from './cluster.fixture.ts'
import { balanceLeaders, decideElection, decideLeader, electUncleanLeaders, isImbalanced } from './leader-elections.ts'
import { directoryOfBroker, withoutEligibleLeaders } from './partition.fixture.ts'

function threeBrokers(features?: ReadonlyMap<string, number>) {
  const cluster = new ClusterUnderTest(3, features)
  cluster.addTopic('t', { leader: 2 }, {})
  return cluster
}

/** The error of an election, or the partition after it. */
function elect(cluster: ClusterUnderTest, election: 'preferred' | 'unclean', topic = 't', partition = 0) {
  const decision = decideElection(cluster.image, { topic, partition, election }, cluster.settings)
  if (isRejection(decision)) return [decision.error, decision.message]
  cluster.replay([decision])
  return cluster.show(topic, partition)
}

describe('elections that clients ask for', () => {
  it('make the first replica the leader', () => {
    expect(elect(threeBrokers(), 'preferred')).to.equal('leader 1 of 1,2,3 in sync 1,2,3 epochs 1/1')
  })

  it('are not needed where that is so already, or where there is a leader', () => {
    const cluster = threeBrokers()
    const notNeeded = ['ELECTION_NOT_NEEDED', 'Leader election not needed for topic partition.']
    expect(elect(cluster, 'preferred', 't', 1)).to.deep.equal(notNeeded)
    expect(elect(cluster, 'unclean')).to.deep.equal(notNeeded)
  })

  it('are refused for topics and partitions that are unknown', () => {
    const cluster = threeBrokers()
    expect(elect(cluster, 'unclean', 'u')).to.deep.equal(['UNKNOWN_TOPIC_OR_PARTITION', 'No such topic as u'])
    expect(elect(cluster, 'preferred', 't', 2)).to.deep.equal([
      'UNKNOWN_TOPIC_OR_PARTITION',
      'No such partition as t-2',
    ])
  })

  it('find no preferred leader that is dead, shutting down, or out of sync', () => {
    const dead = threeBrokers()
    dead.fence(1)
    const stopping = threeBrokers()
    stopping.play((image) => shutDownBroker(image, 1, stopping.settings))
    const behind = threeBrokers()
    behind.fence(1)
    behind.unfence(1)
    for (const cluster of [dead, stopping, behind])
      expect(elect(cluster, 'preferred')).to.deep.equal([
        'PREFERRED_LEADER_NOT_AVAILABLE',
        'The preferred leader was not available.',
      ])
  })

  it('take any replica of a partition without a leader, if unclean', () => {
    const cluster = threeBrokers(withoutEligibleLeaders)
    for (const node of [1, 3, 2]) cluster.fence(node)
    const none = ['ELIGIBLE_LEADERS_NOT_AVAILABLE', 'Eligible topic partition leaders are not available.']
    expect(elect(cluster, 'unclean')).to.deep.equal(none)
    cluster.unfence(3)
    expect(elect(cluster, 'preferred')).to.include('PREFERRED_LEADER_NOT_AVAILABLE')
    expect(elect(cluster, 'unclean')).to.equal('leader 3 of 1,2,3 in sync 3 recovering epochs 2/4')
  })
})

describe('a leader that is asked for', () => {
  const move = (cluster: ClusterUnderTest, leader: number, topic = 't', partition = 1) => {
    const decision = decideLeader(cluster.image, { topic, partition, leader })
    if (isRejection(decision)) return decision.error
    cluster.replay([decision])
    return cluster.show(topic, partition)
  }

  it('is any replica in sync', () => {
    const cluster = threeBrokers()
    expect(move(cluster, 3)).to.equal('leader 3 of 1,2,3 in sync 1,2,3 epochs 1/1')
    expect(move(cluster, 3)).to.equal('ELECTION_NOT_NEEDED')
  })

  it('is refused otherwise', () => {
    const cluster = threeBrokers()
    cluster.addTopic('u', { replicas: [1, 2] })
    expect(move(cluster, 1, 'v')).to.equal('UNKNOWN_TOPIC_OR_PARTITION')
    expect(move(cluster, 1, 't', 2)).to.equal('UNKNOWN_TOPIC_OR_PARTITION')
    expect(move(cluster, 4)).to.equal('BROKER_ID_NOT_REGISTERED')
    expect(move(cluster, 3, 'u', 0)).to.equal('REPLICA_NOT_AVAILABLE')
    cluster.fence(3)
    expect(move(cluster, 3)).to.equal('ELIGIBLE_LEADERS_NOT_AVAILABLE')
    cluster.unfence(3)
    expect(move(cluster, 3)).to.equal('ELIGIBLE_LEADERS_NOT_AVAILABLE')
    cluster.catchUp()
    expect(move(cluster, 3)).to.match(/^leader 3/)
    cluster.register(registering(2, { directoryIds: [directoryOfBroker(22)] }))
    expect(move(cluster, 2)).to.equal('ELIGIBLE_LEADERS_NOT_AVAILABLE')
  })
})

describe('periodic elections', () => {
  it('make first replicas leaders again, where they are in sync', () => {
    const cluster = threeBrokers()
    cluster.addTopic('u', { leader: 2, isr: [2, 3] }, { leader: 3 })
    expect([...cluster.image.topicsByName.values()].some(isImbalanced)).to.equal(true)
    const balance = () => cluster.play((image) => balanceLeaders(image, cluster.settings))
    expect(balance()).to.equal(2)
    expect([
      cluster.partition('t').leader,
      cluster.partition('u').leader,
      cluster.partition('u', 1).leader,
    ]).to.deep.equal([1, 2, 1])
    expect(balance()).to.equal(0)
    cluster.catchUp()
    expect(balance()).to.equal(1)
    expect([...cluster.image.topicsByName.values()].some(isImbalanced)).to.equal(false)
  })

  it('are made a thousand at a time', () => {
    const cluster = threeBrokers()
    cluster.addTopic('many', ...Array.from({ length: 1500 }, () => ({ leader: 2 })))
    const sizes: number[] = []
    cluster.play(function* (image) {
      const part = yield* balanceLeaders(image, cluster.settings)
      sizes.push([...part.records].length)
      return part
    })
    expect(sizes).to.deep.equal([1000, 501])
  })

  it('take replicas out of sync only of topics that allow it', () => {
    const cluster = threeBrokers(withoutEligibleLeaders)
    for (const node of [1, 3, 2]) cluster.fence(node)
    cluster.unfence(3)
    const electUnclean = () => cluster.play((image) => electUncleanLeaders(image, cluster.settings))
    expect(electUnclean()).to.equal(0)
    cluster.settings.unclean = true
    expect(electUnclean()).to.equal(2)
    expect(cluster.partition('t')).to.include({ leader: 3, isRecovering: true })
    expect(electUnclean()).to.equal(0)
  })
})
