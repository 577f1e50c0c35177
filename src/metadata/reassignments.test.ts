import { expect } from 'chai'
import { isRejection } from '../../protocol/error-codes.ts'
import { ClusterUnderTest } from './cluster.fixture.ts'
import { decideReassignment } from './reassignments.ts'

/** Topic t with replicas on brokers 1, 2 and 3 of five. */
function fiveBrokers() {
  const cluster = new ClusterUnderTest(5)
  cluster.addTopic('t', {})
  return cluster
}

interface Asked {
  readonly topic?: string
  readonly partition?: number
  readonly mayChange?: boolean
}

/** The refusal of a reassignment, or the partition after it. */
function reassign(cluster: ClusterUnderTest, replicas: number[] | null, asked: Asked = {}) {
  const { topic = 't', partition = 0, mayChange = true } = asked
  const { image, settings: rules } = cluster
  const options = { rules, mayChangeReplicationFactor: mayChange }
  const decision = decideReassignment(image, { topic, partition, replicas }, options)
  if (decision !== undefined && isRejection(decision)) return [decision.error, decision.message]
  if (decision !== undefined) cluster.replay([decision])
  return cluster.show(topic, partition)
}

const refusals: [string, number[] | null, Asked, string, string | null][] = [
  ['an unknown topic', [1], { topic: 'u' }, 'UNKNOWN_TOPIC_OR_PARTITION', 'Unable to find a topic named u.'],
  ['an unknown partition', [1], { partition: 1 }, 'UNKNOWN_TOPIC_OR_PARTITION', 'Unable to find partition t:1.'],
  ['nothing to cancel', null, {}, 'NO_REASSIGNMENT_IN_PROGRESS', null],
  [
    'no replicas',
    [],
    { mayChange: false },
    'INVALID_REPLICA_ASSIGNMENT',
    'The manual partition assignment includes an empty replica list.',
  ],
  [
    'an unknown broker',
    [1, 6],
    {},
    'INVALID_REPLICA_ASSIGNMENT',
    'The manual partition assignment includes broker 6, but no such broker is registered.',
  ],
  [
    'a broker that takes no replicas',
    [1, 5],
    {},
    'INVALID_REPLICA_ASSIGNMENT',
    'The manual partition assignment includes broker 5, but all its log directories are cordoned.',
  ],
  [
    'a broker twice',
    [2, 2],
    {},
    'INVALID_REPLICA_ASSIGNMENT',
    'The manual partition assignment includes the broker 2 more than once.',
  ],
  [
    'another number of replicas where it may not change',
    [1, 2],
    { mayChange: false },
    'INVALID_REPLICATION_FACTOR',
    'The replication factor is changed from 3 to 2',
  ],
]

describe('reassignments', () => {
  for (const [what, replicas, asked, error, message] of refusals)
    it(`${what}: refused in Kafka’s words`, () => {
      const cluster = fiveBrokers()
      cluster.settings.cordoned.add(5)
      expect(reassign(cluster, replicas, asked)).to.deep.equal([error, message])
    })

  it('add replicas, and remove others once those are in sync', () => {
    const cluster = fiveBrokers()
    expect(reassign(cluster, [5, 4, 1])).to.equal(
      'leader 1 of 5,4,1,2,3 in sync 1,2,3 adding 4,5 removing 2,3 epochs 0/1',
    )
    cluster.catchUp()
    expect(cluster.show('t')).to.equal('leader 1 of 5,4,1 in sync 1,4,5 epochs 1/2')
  })

  it('wait for a broker that is dead', () => {
    const cluster = fiveBrokers()
    cluster.fence(4)
    reassign(cluster, [4, 2, 3])
    cluster.catchUp()
    const pending = 'leader 1 of 4,2,3,1 in sync 1,2,3 adding 4 removing 1 epochs 0/1'
    expect(cluster.show('t')).to.equal(pending)
    cluster.unfence(4)
    cluster.catchUp()
    expect(cluster.show('t')).to.equal('leader 4 of 4,2,3 in sync 2,3,4 epochs 1/2')
  })

  it('that only change the order of replicas, or their number, are complete at once', () => {
    const cluster = fiveBrokers()
    expect(reassign(cluster, [3, 2, 1], { mayChange: false })).to.equal('leader 1 of 3,2,1 in sync 1,2,3 epochs 0/1')
    expect(reassign(cluster, [3, 2])).to.equal('leader 3 of 3,2 in sync 2,3 epochs 1/2')
    expect(reassign(cluster, [3, 2])).to.equal('leader 3 of 3,2 in sync 2,3 epochs 1/2')
  })

  it('in progress count the replicas that stay', () => {
    const cluster = fiveBrokers()
    cluster.fence(4)
    reassign(cluster, [4, 1, 2, 3])
    expect(reassign(cluster, [1, 2, 3], { mayChange: false })).to.deep.equal([
      'INVALID_REPLICATION_FACTOR',
      'The replication factor is changed from 4 to 3',
    ])
    reassign(cluster, [4, 1])
    expect(reassign(cluster, [5, 1], { mayChange: false })).to.equal(
      'leader 1 of 5,1,2,3,4 in sync 1,2,3 adding 5 removing 2,3,4 epochs 0/3',
    )
  })

  it('are cancelled with the replicas from before', () => {
    const cluster = fiveBrokers()
    cluster.fence(5)
    reassign(cluster, [4, 5, 1])
    cluster.catchUp()
    expect(cluster.show('t')).to.equal('leader 1 of 4,5,1,2,3 in sync 1,2,3,4 adding 4,5 removing 2,3 epochs 0/2')
    expect(reassign(cluster, null)).to.equal('leader 1 of 1,2,3 in sync 1,2,3 epochs 1/3')
  })

  it('are not cancelled if only new replicas are in sync, unless an unclean election may follow', () => {
    const cluster = fiveBrokers()
    const alone = { replicas: [4, 5, 1], isr: [4], leader: 4, addingReplicas: [4, 5], removingReplicas: [1] }
    cluster.addTopic('u', alone)
    expect(reassign(cluster, null, { topic: 'u' })).to.deep.equal([
      'INVALID_REPLICA_ASSIGNMENT',
      'Unable to revert partition assignment for u:0 because it would require an unclean leader election.',
    ])
    cluster.settings.unclean = true
    expect(reassign(cluster, null, { topic: 'u' })).to.equal('leader 1 of 1 in sync 1 epochs 1/1')
  })

  it('back to the old replicas do not complete, as in Kafka, but can be cancelled', () => {
    const cluster = fiveBrokers()
    cluster.fence(4)
    reassign(cluster, [4, 2, 3])
    expect(reassign(cluster, [1, 2, 3])).to.equal('leader 1 of 1,2,3,4 in sync 1,2,3 adding 4 removing 4 epochs 0/2')
    expect(reassign(cluster, null)).to.equal('leader 1 of 1,2,3 in sync 1,2,3 epochs 1/3')
  })
})
