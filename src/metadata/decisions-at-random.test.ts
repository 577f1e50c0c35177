import { expect } from 'chai'
import type { isRejection } from '../../protocol/error-codes.ts'
import { SeededRandom } from '../../storage/host/seeded-random.ts'
import { shutDownBroker, unregisterBroker } from './broker-changes.ts'
import { ClusterUnderTest, registering } from './cluster.fixture.ts'
import { imageRecords } from './image-records.ts'
import { balanceLeaders, decideElection, decideLeader, electUncleanLeaders } from './leader-elections.ts'
import { isActive } from './live-brokers.ts'
import type { PartitionImage } from './metadata-image.ts'
import { withoutEligibleLeaders } from './partition.fixture.ts'
import { decideReassignment } from './reassignments.ts'
import { newClusterFeatures } from './record-versions.ts'

const BROKERS = 5
const SEEDS = 25
const STEPS = 60

/*
 * Random histories of a cluster. What holds after each step, whatever the decisions were; compat-tests/controller
 * compares them with Kafka's.
 */
describe('decisions of the controller, at random', () => {
  for (const [name, features] of [
    ['with eligible leaders', newClusterFeatures],
    ['without eligible leaders', withoutEligibleLeaders],
  ] as const)
    it(`keep what must hold ${name}`, () => {
      for (let seed = 0; seed < SEEDS; seed++) play(seed, features)
    })
})

function play(seed: number, features: ReadonlyMap<string, number>): void {
  const random = new SeededRandom(seed)
  const cluster = new ClusterUnderTest(BROKERS, features)
  cluster.settings.minIsr = 1 + random.below(3)
  cluster.settings.unclean = random.oneIn(3)
  cluster.addTopic('t', {}, { replicas: [4, 5] }, { replicas: [random.below(BROKERS) + 1] })
  for (let step = 0; step < STEPS; step++) {
    const before = cluster.image.topicsByName.get('t')!.partitions
    const what = takeStep(cluster, random)
    for (const [index, partition] of cluster.image.topicsByName.get('t')!.partitions.entries())
      check(cluster, before[index]!, partition, `seed ${seed}, step ${step}: ${what}`)
  }
  const copy = new ClusterUnderTest(0)
  copy.replay(imageRecords(cluster.image))
  expect(copy.image.topicsByName.get('t'), `seed ${seed}: a snapshot`).to.deep.equal(
    cluster.image.topicsByName.get('t'),
  )
}

function takeStep(cluster: ClusterUnderTest, random: SeededRandom): string {
  const { settings } = cluster
  const nodeId = random.below(BROKERS) + 1
  const asked = { topic: 't', partition: random.below(3) }
  const step = random.pick([
    'fence',
    'fence',
    'unfence',
    'unfence',
    'unfence',
    'shutDown',
    'restart',
    'unregister',
    'catchUp',
    'catchUp',
    'elect',
    'move',
    'reassign',
    'reassign',
    'cancel',
    'balance',
    'electUnclean',
  ])
  const replay = (decision: Parameters<typeof isRejection>[0] | Buffer | undefined) => {
    if (decision instanceof Buffer) cluster.replay([decision])
  }
  const reassign = (replicas: number[] | null) =>
    replay(
      decideReassignment(cluster.image, { ...asked, replicas }, { rules: settings, mayChangeReplicationFactor: true }),
    )
  if (step === 'fence') cluster.fence(nodeId)
  else if (step === 'unfence') {
    // A broker that was shutting down registers first.
    if (cluster.image.registrations.get(nodeId)?.inControlledShutdown === false) cluster.unfence(nodeId)
  } else if (step === 'shutDown') cluster.play((image) => shutDownBroker(image, nodeId, settings))
  else if (step === 'restart')
    cluster.register(registering(nodeId, { fenced: true, lastStop: random.pick(['clean', 'unclean']) }))
  else if (step === 'unregister') cluster.play((image) => unregisterBroker(image, nodeId, settings))
  else if (step === 'catchUp') {
    cluster.catchUp()
    expect(cluster.catchUp(), 'a second time').to.equal(0)
  } else if (step === 'elect')
    replay(decideElection(cluster.image, { ...asked, election: random.pick(['preferred', 'unclean']) }, settings))
  else if (step === 'move') replay(decideLeader(cluster.image, { ...asked, leader: nodeId }))
  else if (step === 'cancel') reassign(null)
  else if (step === 'balance') cluster.play((image) => balanceLeaders(image, settings))
  else if (step === 'electUnclean') cluster.play((image) => electUncleanLeaders(image, settings))
  else {
    const nodes = [1, 2, 3, 4, 5]
    reassign(Array.from({ length: 1 + random.below(3) }, () => nodes.splice(random.below(nodes.length), 1)[0]!))
  }
  return `${step} ${nodeId} ${asked.partition}`
}

function check(cluster: ClusterUnderTest, before: PartitionImage, after: PartitionImage, where: string): void {
  const { leader, isr, replicas, addingReplicas, removingReplicas, eligibleLeaderReplicas, directories } = after
  const has = (all: readonly number[], some: readonly number[]) => some.every((each) => all.includes(each))
  expect(has(replicas, isr), `${where}: in-sync replicas are replicas`).to.equal(true)
  expect(has(replicas, addingReplicas), `${where}: replicas to add are replicas`).to.equal(true)
  expect(has(replicas, removingReplicas), `${where}: replicas to remove are replicas`).to.equal(true)
  for (const all of [replicas, isr, eligibleLeaderReplicas])
    expect(new Set(all).size, `${where}: each broker once`).to.equal(all.length)
  expect(directories.length, `${where}: a directory for each replica`).to.equal(replicas.length)
  expect(
    isr.some((node) => eligibleLeaderReplicas.includes(node)),
    `${where}: in sync and eligible`,
  ).to.equal(false)
  if (leader === -1) expect(after.lastKnownEligibleLeaderReplicas.length, `${where}: one last leader`).to.be.at.most(1)
  else {
    expect(isr.includes(leader), `${where}: the leader is in sync`).to.equal(true)
    expect(isActive(cluster.image, leader), `${where}: the leader lives`).to.equal(true)
    expect(after.lastKnownEligibleLeaderReplicas, `${where}: no last leader while there is one`).to.deep.equal([])
    for (const node of isr) expect(isActive(cluster.image, node), `${where}: in-sync replicas live`).to.equal(true)
  }
  checkEpochs(before, after, where)
}

function checkEpochs(before: PartitionImage, after: PartitionImage, where: string): void {
  const leaderEpochs = after.leaderEpoch - before.leaderEpoch
  const partitionEpochs = after.partitionEpoch - before.partitionEpoch
  expect(leaderEpochs >= 0 && partitionEpochs >= leaderEpochs, `${where}: epochs grow`).to.equal(true)
  if (before.leader !== after.leader) expect(leaderEpochs, `${where}: a leader has its epoch`).to.be.above(0)
  const { partitionEpoch: _, ...was } = before
  const { partitionEpoch: __, ...is } = after
  if (partitionEpochs === 0) expect(is, `${where}: nothing changes in one partition epoch`).to.deep.equal(was)
}
