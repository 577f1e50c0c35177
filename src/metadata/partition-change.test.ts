import { expect } from 'chai'
import { ByteReader } from '../../protocol/byte-reader.ts'
import { readMetadataRecord } from '../../protocol/internal-records/metadata-framing.ts'
import { PartitionChangeRecord } from '../../protocol/internal-records/topic-records.ts'
import type { PartitionImage } from './metadata-image.ts'
import { directoryOfBroker, partitionOf, withoutEligibleLeaders } from './partition.fixture.ts'
import { decidePartitionChange, type PartitionTargets, partitionChangeRecord } from './partition-change.ts'
import { newClusterFeatures } from './record-versions.ts'

interface Case {
  readonly it: string
  /** Differences from partitionOf(). */
  readonly before?: Partial<PartitionImage>
  readonly targets?: PartitionTargets
  /** Brokers that may lead; by default 1 to 6. */
  readonly live?: readonly number[]
  readonly minIsr?: number
  /** Without eligible leader replicas. */
  readonly features?: ReadonlyMap<string, number>
  readonly becomes: ReturnType<typeof decidePartitionChange>
}

const all = [1, 2, 3, 4, 5, 6]
const old = withoutEligibleLeaders
const leaderless = { leader: -1, isr: [], eligibleLeaderReplicas: [1, 2], lastKnownEligibleLeaderReplicas: [1] }
const moving = { replicas: [4, 5, 1, 2], isr: [1, 2], leader: 1, addingReplicas: [4, 5], removingReplicas: [1, 2] }
const directoriesOf = (...nodes: number[]) => nodes.map(directoryOfBroker)

const cases: Case[] = [
  { it: 'nothing wanted changes nothing', becomes: undefined },
  { it: 'a leader that may go on goes on', before: { leader: 2 }, becomes: undefined },
  {
    it: 'a preferred election moves the leader to the first replica',
    before: { leader: 2 },
    targets: { election: 'preferred' },
    becomes: { leader: 1 },
  },
  {
    it: 'a preferred election leaves the leader while the first replica is dead',
    before: { leader: 3, isr: [1, 2, 3] },
    targets: { election: 'preferred' },
    live: [2, 3],
    becomes: undefined,
  },
  {
    it: 'a preferred election takes no first replica that is out of sync',
    before: { leader: 2, isr: [2, 3] },
    targets: { election: 'preferred' },
    becomes: undefined,
  },
  {
    it: 'a dead leader is followed by the first replica in sync',
    before: { isr: [3, 2, 1] },
    targets: { isr: [3, 2] },
    live: [2, 3],
    becomes: { leader: 2, isr: [3, 2] },
  },
  {
    it: 'replicas beyond min.insync.replicas that leave are not eligible',
    targets: { isr: [1, 2] },
    minIsr: 2,
    becomes: { isr: [1, 2] },
  },
  {
    it: 'replicas below min.insync.replicas that leave stay eligible',
    before: { isr: [1, 3], eligibleLeaderReplicas: [2] },
    targets: { isr: [1] },
    minIsr: 3,
    becomes: { isr: [1], eligibleLeaderReplicas: [2, 3] },
  },
  {
    it: 'enough in-sync replicas end the eligibility of others',
    before: { isr: [1], eligibleLeaderReplicas: [2, 3] },
    targets: { isr: [1, 2] },
    minIsr: 2,
    becomes: { isr: [1, 2], eligibleLeaderReplicas: [] },
  },
  {
    it: 'without eligible leaders, the last in-sync replica stays in sync when it dies',
    before: { isr: [1] },
    targets: { isr: [] },
    live: [2, 3],
    features: old,
    becomes: { leader: -1 },
  },
  {
    it: 'with eligible leaders, the last in-sync replica is one of them when it dies',
    before: { isr: [1] },
    targets: { isr: [] },
    live: [2, 3],
    becomes: { leader: -1, isr: [], eligibleLeaderReplicas: [1], lastKnownEligibleLeaderReplicas: [1] },
  },
  {
    it: 'an eligible leader is elected by replica order, and is then alone in sync',
    before: leaderless,
    live: [1, 2, 3],
    becomes: { leader: 1, isr: [1], eligibleLeaderReplicas: [2], lastKnownEligibleLeaderReplicas: [] },
    minIsr: 2,
  },
  {
    it: 'a replica that is not eligible leads nothing',
    before: leaderless,
    live: [3],
    minIsr: 2,
    becomes: undefined,
  },
  {
    it: 'an unclean stop ends a replica’s eligibility',
    before: leaderless,
    targets: { uncleanShutdownReplica: 2 },
    live: [3],
    minIsr: 2,
    becomes: { eligibleLeaderReplicas: [1] },
  },
  {
    it: 'the last known leader leads again if no other is eligible, but may have lost records',
    before: { leader: -1, isr: [], lastKnownEligibleLeaderReplicas: [2] },
    live: [1, 2, 3],
    becomes: { leader: 2, isr: [2], isRecovering: true, lastKnownEligibleLeaderReplicas: [] },
  },
  {
    it: 'an unclean election takes the first live replica',
    before: { leader: -1, isr: [1] },
    targets: { election: 'unclean' },
    live: [3],
    features: old,
    becomes: { leader: 3, isr: [3], isRecovering: true },
  },
  {
    it: 'an unclean election of a leader that is recovering does not say so again',
    before: { leader: -1, isr: [1], isRecovering: true },
    targets: { election: 'unclean' },
    live: [3],
    features: old,
    becomes: { leader: 3, isr: [3] },
  },
  {
    it: 'an unclean election is clean if one in sync lives',
    before: { leader: -1, isr: [2] },
    targets: { election: 'unclean' },
    features: old,
    becomes: { leader: 2 },
  },
  {
    it: 'an unclean election ends all eligibility',
    before: { leader: -1, isr: [3], eligibleLeaderReplicas: [1, 2], lastKnownEligibleLeaderReplicas: [3] },
    targets: { election: 'unclean' },
    live: [2],
    minIsr: 2,
    becomes: {
      leader: 2,
      isr: [2],
      isRecovering: true,
      eligibleLeaderReplicas: [],
      lastKnownEligibleLeaderReplicas: [],
    },
  },
  {
    it: 'no election finds a leader if no replica lives',
    before: { leader: -1, isr: [1] },
    targets: { election: 'unclean' },
    live: [],
    features: old,
    becomes: undefined,
  },
  {
    it: 'a leader that recovered says so',
    before: { isr: [1], isRecovering: true },
    targets: { isr: [1, 2], isRecovering: false },
    becomes: { isr: [1, 2], isRecovering: false },
  },
  {
    it: 'a reassignment names new replicas with their directories, and keeps the leader’s epoch',
    targets: { replicas: [4, 1, 2, 3], addingReplicas: [4], removingReplicas: [1] },
    becomes: {
      replicas: [4, 1, 2, 3],
      addingReplicas: [4],
      removingReplicas: [1],
      directories: directoriesOf(4, 1, 2, 3),
    },
  },
  {
    it: 'a reassignment waits for all replicas to add',
    before: moving,
    targets: { isr: [1, 2, 4] },
    becomes: { isr: [1, 2, 4] },
  },
  {
    it: 'a reassignment is complete once all replicas to add are in sync; a new one leads',
    before: moving,
    targets: { isr: [1, 2, 4, 5] },
    becomes: {
      leader: 4,
      isr: [4, 5],
      replicas: [4, 5],
      addingReplicas: [],
      removingReplicas: [],
      directories: directoriesOf(4, 5),
    },
  },
  {
    it: 'a reassignment that keeps the leader starts an epoch of it',
    before: { replicas: [1, 4, 2], isr: [1, 2], leader: 1, addingReplicas: [4], removingReplicas: [2] },
    targets: { isr: [1, 2, 4] },
    becomes: {
      leader: 1,
      isr: [1, 4],
      replicas: [1, 4],
      addingReplicas: [],
      removingReplicas: [],
      directories: directoriesOf(1, 4),
    },
  },
  {
    it: 'a reassignment completes although a replica that stays is out of sync',
    before: { replicas: [4, 2, 3, 1], isr: [1, 2], leader: 1, addingReplicas: [4], removingReplicas: [1] },
    targets: { isr: [1, 2, 4] },
    becomes: {
      leader: 4,
      isr: [2, 4],
      replicas: [4, 2, 3],
      addingReplicas: [],
      removingReplicas: [],
      directories: directoriesOf(4, 2, 3),
    },
  },
  {
    it: 'fewer replicas wait for all that stay to be in sync',
    before: { isr: [1, 3], removingReplicas: [3] },
    live: all,
    becomes: undefined,
  },
  {
    it: 'fewer replicas are enough once all that stay are in sync',
    before: { isr: [1, 2, 3] },
    targets: { removingReplicas: [3] },
    becomes: { leader: 1, isr: [1, 2], replicas: [1, 2], directories: directoriesOf(1, 2) },
  },
  {
    it: 'replicas are not removed while only they are in sync',
    before: { ...moving, isr: [1], addingReplicas: [], replicas: [4, 1], removingReplicas: [1] },
    becomes: undefined,
  },
  {
    it: 'not all replicas are removed',
    before: { replicas: [1], isr: [1], removingReplicas: [1] },
    becomes: undefined,
  },
  {
    it: 'before 3.6 a smaller in-sync set starts an epoch',
    targets: { isr: [1, 2] },
    features: new Map([['metadata.version', 11]]),
    becomes: { leader: 1, isr: [1, 2] },
  },
  {
    it: 'before 3.7 no directories are named',
    targets: { replicas: [4, 1, 2, 3], addingReplicas: [4] },
    features: new Map([['metadata.version', 16]]),
    becomes: { replicas: [4, 1, 2, 3], addingReplicas: [4] },
  },
]

describe('changes of a partition', () => {
  for (const { it: name, before = {}, targets = {}, live = all, minIsr = 1, features, becomes } of cases) {
    it(name, () => {
      const change = decidePartitionChange(partitionOf(before), targets, {
        features: features ?? newClusterFeatures,
        minInsyncReplicas: minIsr,
        mayLead: (node) => live.includes(node),
        directoryOf: directoryOfBroker,
      })
      expect(change).to.deep.equal(becomes)
    })
  }

  it('are recorded in the version of the cluster’s features', () => {
    const versions = [16, 17, 23].map((level) => {
      const features = new Map([['metadata.version', level]])
      const bytes = partitionChangeRecord('AAAAAAAAAAAAAAAAAAAABA', 7, { leader: 2, isRecovering: true }, features)
      const record = readMetadataRecord(new ByteReader(bytes))
      expect(record.as(PartitionChangeRecord)).to.include({ partitionId: 7, leader: 2, leaderRecoveryState: 1 })
      return record.version
    })
    expect(versions).to.deep.equal([0, 1, 2])
  })
})
