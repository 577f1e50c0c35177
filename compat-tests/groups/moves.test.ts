import { cpSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { Kafka, logLevel } from 'kafkajs'
import { ConsumerGroupDescribe } from '../../protocol/apis/consumer-group-describe.ts'
import { CreateTopics } from '../../protocol/apis/create-topics.ts'
import { DeleteGroups } from '../../protocol/apis/delete-groups.ts'
import { DescribeConfigs } from '../../protocol/apis/describe-configs.ts'
import { DescribeGroups } from '../../protocol/apis/describe-groups.ts'
import { FindCoordinator } from '../../protocol/apis/find-coordinator.ts'
import { IncrementalAlterConfigs } from '../../protocol/apis/incremental-alter-configs.ts'
import { ListGroups } from '../../protocol/apis/list-groups.ts'
import { OffsetDelete } from '../../protocol/apis/offset-delete.ts'
import { OffsetFetch } from '../../protocol/apis/offset-fetch.ts'
import { apacheKafka } from '../apache-kafka.ts'
import { type BrokerProgram, ottla } from '../broker-program.ts'
import { RawClient } from '../raw-client.ts'
import { needs } from '../requirements.ts'
import { dumpLog, filesOf } from '../storage/dump-log.ts'
import { TestBroker } from '../test-broker.ts'
import { waitFor } from '../wait-for.ts'
import { ClassicMember, ConsumerMember, commitOffset } from './raw-members.ts'

const TOPIC = 'orders'
const PARTITIONS = 6
const GROUP_TYPE = 32
const HEARTBEAT_MS = 7000

type Settings = Readonly<Record<string, string>>
const common: Settings = {
  'offsets.topic.num.partitions': '3',
  'group.consumer.assignment.interval.ms': '0',
  'group.consumer.min.assignment.interval.ms': '0',
}

/** Members that stay in their groups while the broker is replaced. */
class Members {
  readonly dynamic = new ClassicMember('classic', TOPIC)
  readonly static = new ClassicMember('classic-static', TOPIC, 'instance-1')
  readonly consumers = [
    new ConsumerMember('consumer', 'by name', { subscribedTopicNames: [TOPIC] }),
    new ConsumerMember('consumer', 'static', { subscribedTopicNames: [TOPIC], instanceId: 'instance-2' }),
    new ConsumerMember('consumer', 'by pattern', { subscribedTopicRegex: 'ord.*' }),
  ]
  readonly ranged = new ConsumerMember('ranged', 'alone', { subscribedTopicNames: [TOPIC], serverAssignor: 'range' })

  get classic(): readonly ClassicMember[] {
    return [this.dynamic, this.static]
  }

  get modern(): readonly ConsumerMember[] {
    return [...this.consumers, this.ranged]
  }
}

const everything = Array.from({ length: PARTITIONS }, (_, i) => i)

/** Sends heartbeats until all members have the same epoch and own all partitions together. */
async function settle(client: RawClient, members: readonly ConsumerMember[]): Promise<void> {
  await waitFor(`the members of ${members[0]!.groupId} have come to rest`, async () => {
    for (const member of members) expect(await member.beat(client)).to.equal('NONE')
    const epochs = new Set(members.map(({ memberEpoch }) => memberEpoch))
    const owned = members.reduce((sum, { partitionCount }) => sum + partitionCount, 0)
    return epochs.size === 1 && owned === PARTITIONS && members.every(({ partitionCount }) => partitionCount > 0)
  })
}

async function makeHistory(broker: TestBroker, client: RawClient): Promise<Members> {
  const topic = { name: TOPIC, numPartitions: PARTITIONS, replicationFactor: 1, assignments: [], configs: [] }
  await client.send(CreateTopics, 5, { topics: [topic], timeoutMs: 10_000 })
  await waitFor('offsets are committed', async () => {
    await client.send(FindCoordinator, 4, { key: '', keyType: 0, coordinatorKeys: ['simple'] })
    return (await commitOffset(client, { groupId: 'simple' }, TOPIC, 0, 10, 'a note')) === 'NONE'
  })
  await commitOffset(client, { groupId: 'simple' }, TOPIC, 1, 11)
  await commitOffset(client, { groupId: 'simple' }, TOPIC, 2, 12)
  await deleteOffset(client, 'simple', 2)
  // Each partition of the offsets topic is loaded by itself.
  await groupsAreReady(client, ['deleted', 'classic', 'classic-static', 'consumer', 'ranged', 'left'])
  await commitOffset(client, { groupId: 'deleted' }, TOPIC, 0, 1)
  await client.send(DeleteGroups, 2, { groupsNames: ['deleted'] })
  const members = new Members()
  for (const member of members.classic) expect(await member.enter(client, everything)).to.equal('NONE')
  await client.send(IncrementalAlterConfigs, 1, {
    resources: [
      {
        resourceType: GROUP_TYPE,
        resourceName: 'consumer',
        configs: [{ name: 'consumer.heartbeat.interval.ms', configOperation: 0, value: `${HEARTBEAT_MS}` }],
      },
    ],
    validateOnly: false,
  })
  await settle(client, members.consumers)
  await settle(client, [members.ranged])
  for (const { committer } of [...members.classic, ...members.modern]) {
    expect(await commitOffset(client, committer, TOPIC, 0, 20, `by ${committer.memberId}`)).to.equal('NONE')
  }
  await kafkajsGroup(broker, 'left')
  return members
}

/** A group that a stock client has joined and left. */
async function kafkajsGroup(broker: TestBroker, groupId: string): Promise<void> {
  const consumer = new Kafka({ brokers: [broker.bootstrap], logLevel: logLevel.NOTHING }).consumer({ groupId })
  await consumer.connect()
  await consumer.subscribe({ topics: [TOPIC] })
  const joined = new Promise<void>((resolve) => consumer.on(consumer.events.GROUP_JOIN, () => resolve()))
  await consumer.run({ eachMessage: async () => {} })
  await joined
  await consumer.commitOffsets([{ topic: TOPIC, partition: 3, offset: '33' }])
  await consumer.disconnect()
}

/** Commits offsets in a transaction, and leaves others in an open one. */
async function commitInTransactions({ bootstrap }: TestBroker, consumerGroupId: string): Promise<void> {
  const kafka = new Kafka({
    brokers: [bootstrap],
    logLevel: logLevel.NOTHING,
    retry: { retries: 60, maxRetryTime: 1000 },
  })
  for (const [offset, end] of [
    ['70', 'commit'],
    ['80', 'abort'],
  ] as const) {
    // One producer per transaction: the next one of the same producer would have to wait until this one has ended
    // everywhere.
    const producer = kafka.producer({ transactionalId: end, idempotent: true, maxInFlightRequests: 1 })
    await producer.connect()
    const transaction = await producer.transaction()
    const topics = [{ topic: TOPIC, partitions: [{ partition: 0, offset }] }]
    await transaction.sendOffsets({ consumerGroupId, topics })
    await transaction[end]()
    await producer.disconnect()
  }
}

async function deleteOffset(client: RawClient, groupId: string, partitionIndex: number): Promise<void> {
  const topics = [{ name: TOPIC, partitions: [{ partitionIndex }] }]
  const deleted = await client.send(OffsetDelete, 0, { groupId, topics })
  expect(deleted.topics[0]!.partitions[0]!.errorCode).to.equal(0)
}

/** Everything that a broker reports about its groups. */
async function stateOf(client: RawClient) {
  const { groups: listed } = await client.send(ListGroups, 5, { statesFilter: [], typesFilter: [] })
  const list = inOrder(listed, 'groupId')
  const names = list.map(({ groupId }) => groupId)
  const { groups: classic } = await client.send(DescribeGroups, 6, { groups: names, includeAuthorizedOperations: true })
  const { groups: consumer } = await client.send(ConsumerGroupDescribe, 1, {
    groupIds: names,
    includeAuthorizedOperations: true,
  })
  const asked = names.map((groupId) => ({ groupId, topics: null }))
  const { groups: offsets } = await client.send(OffsetFetch, 9, {
    ...{ groupId: '', topics: [], groups: asked, requireStable: true },
  })
  const { results: configs } = await client.send(DescribeConfigs, 4, {
    resources: names.map((resourceName) => ({ resourceType: GROUP_TYPE, resourceName, configurationKeys: null })),
  })
  return {
    list: list.map(({ groupId, groupState, groupType }) => `${groupId} ${groupState} ${groupType}`),
    classic: inOrder(classic, 'groupId').map((group) => ({ ...group, members: inOrder(group.members, 'memberId') })),
    consumer: inOrder(consumer, 'groupId').map((group) => ({
      ...group,
      members: inOrder(group.members, 'memberId').map((member) => ({
        ...member,
        assignment: partitionsOf(member.assignment),
        targetAssignment: partitionsOf(member.targetAssignment),
      })),
    })),
    offsets: inOrder(offsets, 'groupId').map(({ groupId, topics }) => ({
      groupId,
      partitions: topics.flatMap(({ name, partitions }) =>
        inOrder(partitions, 'partitionIndex').map((partition) => ({ name, ...partition })),
      ),
    })),
    configs: inOrder(configs, 'resourceName').map(({ resourceName, configs: entries }) => ({
      resourceName,
      own: entries.filter(({ configSource }) => configSource === 8).map(({ name, value }) => `${name}=${value}`),
    })),
  }
}

function inOrder<K extends string, T extends Readonly<Record<K, string | number>>>(list: readonly T[], key: K): T[] {
  return list.toSorted((a, b) => (a[key] < b[key] ? -1 : 1))
}

interface Assignment {
  readonly topicPartitions: readonly { readonly topicName: string; readonly partitions: readonly number[] }[]
}

function partitionsOf({ topicPartitions }: Assignment): string[] {
  return topicPartitions.flatMap(({ topicName, partitions }) => partitions.map((i) => `${topicName}-${i}`)).sort()
}

/** How a broker treats members that knew the previous broker. */
async function goOn(broker: TestBroker, client: RawClient, members: Members): Promise<void> {
  for (const member of members.classic) {
    expect(await member.beat(client)).to.equal('NONE')
    expect(await commitOffset(client, member.committer, TOPIC, 1, 40)).to.equal('NONE')
  }
  for (const member of members.modern) {
    const { memberEpoch, owned } = member
    expect(await member.beat(client)).to.equal('NONE')
    expect(member).to.deep.include({ memberEpoch, owned })
    expect(await commitOffset(client, member.committer, TOPIC, 1, 40)).to.equal('NONE')
    expect(member.heartbeatIntervalMs).to.equal(member.groupId === 'consumer' ? HEARTBEAT_MS : 5000)
  }
  // The static member restarts in its old generation; its previous member id is fenced.
  const { generationId, memberId } = members.static
  members.static.memberId = ''
  expect(await members.static.enter(client, everything)).to.equal('NONE')
  expect(members.static.generationId).to.equal(generationId)
  const fenced = Object.assign(new ClassicMember('classic-static', TOPIC, 'instance-1'), { memberId, generationId })
  expect(await fenced.beat(client)).to.equal('FENCED_INSTANCE_ID')
  await kafkajsGroup(broker, 'left')
  await commitOffset(client, { groupId: 'simple' }, TOPIC, 1, 50, 'another note')
  await deleteOffset(client, 'simple', 0)
  await commitOffset(client, { groupId: 'simple' }, TOPIC, 0, 60)
}

/** Starts a program on a copy of another broker's data. */
async function startOn(program: BrokerProgram, { dataDir: from }: TestBroker, settings: Settings): Promise<TestBroker> {
  const prepare = ({ dataDir }: { dataDir: string }) =>
    cpSync(from, dataDir, { recursive: true, filter: (path) => !path.endsWith('.lock') })
  return TestBroker.start({ program: { ...program, prepare }, settings })
}

/** Resolves once the coordinators of all these groups have loaded their logs and their transactions have ended. */
async function groupsAreReady(client: RawClient, groupIds: readonly string[]): Promise<void> {
  await waitFor('groups are ready', async () => {
    const groups = groupIds.map((groupId) => ({ groupId, topics: null }))
    const response = await client.send(OffsetFetch, 9, { groupId: '', topics: [], groups, requireStable: true })
    const errors = response.groups.flatMap(({ errorCode, topics }) => [
      errorCode,
      ...topics.flatMap(({ partitions }) => partitions.map((partition) => partition.errorCode)),
    ])
    return errors.every((code) => code === 0)
  })
}

function describeMoves(title: string, programs: readonly BrokerProgram[], settings: Settings): void {
  describe(title, function () {
    this.timeout(120_000)
    needs('java', 'maven')
    const brokers: TestBroker[] = []
    let members: Members
    let known: Awaited<ReturnType<typeof stateOf>>

    before(async () => {
      const broker = await TestBroker.start({ program: programs[0]!, settings })
      brokers.push(broker)
      const client = await RawClient.connect(broker.port)
      members = await makeHistory(broker, client)
      if (programs[0] === apacheKafka) await commitInTransactions(broker, 'transactional')
      await groupsAreReady(client, ['transactional'])
      known = await stateOf(client)
      client.close()
      await broker.stop()
    })
    after(async () => {
      for (const broker of brokers) await broker.dispose()
    })

    it('there are groups of all kinds', () => {
      expect(known.list).to.deep.equal([
        'classic Stable classic',
        'classic-static Stable classic',
        'consumer Stable consumer',
        'left Empty classic',
        'ranged Stable consumer',
        'simple Empty classic',
        ...(programs[0] === apacheKafka ? ['transactional Empty classic'] : []),
      ])
    })

    for (const [i, program] of programs.slice(1).entries()) {
      const name = program === ottla ? 'Ottla' : 'Apache Kafka'
      it(`${name}, as the ${i === 0 ? 'second' : 'third'}, tells the same, and members go on where they were`, async () => {
        const broker = await startOn(program, brokers.at(-1)!, settings)
        brokers.push(broker)
        const client = await RawClient.connect(broker.port)
        try {
          await groupsAreReady(
            client,
            known.offsets.map(({ groupId }) => groupId),
          )
          expect(await stateOf(client)).to.deep.equal(known)
          await goOn(broker, client, members)
          known = await stateOf(client)
        } finally {
          client.close()
          await broker.stop()
        }
      })
    }

    it("kafka-dump-log reads what all of them wrote into the groups' log", async () => {
      const { dataDir } = brokers.at(-1)!
      const partitions = readdirSync(dataDir).filter((name) => name.startsWith('__consumer_offsets-'))
      expect(partitions).to.have.length(3)
      const files = partitions.flatMap((partition) => filesOf(join(dataDir, partition), 'log'))
      const dump = await dumpLog('4.4.0', files, '--deep-iteration', '--print-data-log', '--offsets-decoder')
      expect(dump.complaints).to.deep.equal([])
      const codecs = new Set(
        [...dump.lines.values()].flat().flatMap((line) => / compresscodec: (\w+) /.exec(line)?.[1] ?? []),
      )
      expect([...codecs]).to.deep.equal(settings === compressed ? ['lz4'] : ['none'])
      const said = [...dump.lines.values()].flat().join('\n')
      expect(said).to.match(/"type":"1","data":\{"group":"simple","topic":"orders","partition":0\}.*"offset":60/)
      expect(said).to.match(/"type":"2","data":\{"group":"classic-static"\}.*"groupInstanceId":"instance-1"/)
      expect(said).to.match(/"type":"5","data":\{"groupId":"consumer","memberId":"by pattern"\}/)
    })
  })
}

describeMoves('groups that move from Apache Kafka 4.4.0 to Ottla and back', [apacheKafka, ottla, apacheKafka], common)
const compressed = { ...common, 'offsets.topic.compression.codec': '3' }
describeMoves('groups that move from Ottla to Apache Kafka 4.4.0 and back', [ottla, apacheKafka, ottla], compressed)
