import { cpSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { AlterUserScramCredentials } from '../../protocol/apis/alter-user-scram-credentials.ts'
import { CreateTopics } from '../../protocol/apis/create-topics.ts'
import { DeleteTopics } from '../../protocol/apis/delete-topics.ts'
import { DescribeConfigs } from '../../protocol/apis/describe-configs.ts'
import { DescribeUserScramCredentials } from '../../protocol/apis/describe-user-scram-credentials.ts'
import { IncrementalAlterConfigs } from '../../protocol/apis/incremental-alter-configs.ts'
import { Metadata } from '../../protocol/apis/metadata.ts'
import { apacheKafka } from '../apache-kafka.ts'
import { ottla } from '../broker-program.ts'
import { RawClient } from '../raw-client.ts'
import { needs } from '../requirements.ts'
import { TestBroker } from '../test-broker.ts'
import { waitFor } from '../wait-for.ts'
import { metadataDump } from './metadata-dump.ts'

const topicType = 2

/** A cluster's topics, settings and users: equal before and after a move. */
async function stateOf({ port }: TestBroker) {
  const client = await RawClient.connect(port)
  try {
    const { topics } = await client.send(Metadata, 12, { ...allTopics })
    const names = topics.map(({ name }) => name as string).sort()
    const { results } = await client.send(DescribeConfigs, 4, {
      resources: names.map((resourceName) => ({ resourceType: topicType, resourceName, configurationKeys: null })),
      includeSynonyms: false,
      includeDocumentation: false,
    })
    const { results: users } = await client.send(DescribeUserScramCredentials, 0, { users: null })
    return {
      topics: topics
        .map(({ name, topicId, partitions }) => ({ name, topicId, partitions: partitions.length }))
        .sort((a, b) => ((a.name ?? '') < (b.name ?? '') ? -1 : 1)),
      settings: results.map(({ resourceName, configs }) => ({
        resourceName,
        own: configs
          .filter(({ configSource }) => configSource === 1)
          .map(({ name, value }) => `${name}=${value}`)
          .sort(),
      })),
      users: users.map(({ user }) => user).sort(),
      leaders: topics.every(({ partitions }) => partitions.every(({ leaderId }) => leaderId === 1)),
    }
  } finally {
    client.close()
  }
}

const allTopics = {
  topics: null,
  allowAutoTopicCreation: false,
  includeClusterAuthorizedOperations: false,
  includeTopicAuthorizedOperations: false,
}

/** Writes some of everything that the metadata log stores. */
async function makeHistory({ port }: TestBroker, prefix: string): Promise<void> {
  const client = await RawClient.connect(port)
  const create = (name: string, partitions: number, configs: { name: string; value: string }[] = []) =>
    client.send(CreateTopics, 7, {
      topics: [{ name, numPartitions: partitions, replicationFactor: 1, assignments: [], configs }],
      timeoutMs: 10_000,
    })
  await create(`${prefix}.plain`, 1)
  await create(`${prefix}.wide`, 12, [
    { name: 'cleanup.policy', value: 'compact' },
    { name: 'retention.ms', value: '9223372036854775807' },
  ])
  await create(`${prefix}.gone`, 3)
  await client.send(DeleteTopics, 4, { topics: [], topicNames: [`${prefix}.gone`], timeoutMs: 10_000 })
  await create(`${prefix}.gone`, 1)
  await client.send(IncrementalAlterConfigs, 1, {
    resources: [
      {
        resourceType: topicType,
        resourceName: `${prefix}.plain`,
        configs: [{ name: 'flush.messages', configOperation: 0, value: '1' }],
      },
    ],
    validateOnly: false,
  })
  await client.send(AlterUserScramCredentials, 0, {
    deletions: [],
    upsertions: [
      { name: prefix, mechanism: 1, iterations: 4096, salt: Buffer.from('salt'), saltedPassword: Buffer.alloc(32, 7) },
    ],
  })
  client.close()
  await seen({ port } as TestBroker, prefix)
}

/** Kafka's broker learns of a change after its controller has answered. The user is the last of a history. */
async function seen(broker: TestBroker, prefix: string): Promise<void> {
  await waitFor(
    `topics and user of ${prefix} are seen`,
    async () => {
      const state = await stateOf(broker)
      return state.leaders && state.users.includes(prefix)
    },
    30_000,
  )
}

describe('the metadata log, between Apache Kafka 4.4.0 and Ottla', function () {
  this.timeout(180_000)
  needs('java', 'maven')
  const brokers: TestBroker[] = []
  afterEach(async () => {
    for (const broker of brokers.splice(0)) await broker.dispose()
  })

  /** Starts a program on a copy of another broker's data. */
  async function startOn(program: typeof ottla, other: TestBroker, settings = {}): Promise<TestBroker> {
    const withoutFormat = { ...program, prepare: ({ dataDir }: { dataDir: string }) => copy(other.dataDir, dataDir) }
    const broker = await TestBroker.start({ program: withoutFormat, settings })
    brokers.push(broker)
    return broker
  }

  function copy(from: string, to: string): void {
    cpSync(from, to, { recursive: true, filter: (path) => !path.endsWith('.lock') })
  }

  it('what Ottla wrote, Kafka reads: topics with their ids, settings, users; and it goes on from there', async () => {
    const own = await TestBroker.start({ program: ottla })
    brokers.push(own)
    await makeHistory(own, 'from-ottla')
    await own.restart()
    const before = await stateOf(own)
    await own.stop()
    const kafka = await startOn(apacheKafka, own)
    await seen(kafka, 'from-ottla')
    expect(await stateOf(kafka)).to.deep.equal(before)
    await makeHistory(kafka, 'from-kafka')
    const later = await stateOf(kafka)
    await kafka.stop()
    const again = await startOn(ottla, kafka)
    expect(await stateOf(again)).to.deep.equal(later)
  })

  it('what Kafka formatted and wrote, Ottla reads; a directory that was formatted only, too', async () => {
    const kafka = await TestBroker.start({ program: apacheKafka })
    brokers.push(kafka)
    await makeHistory(kafka, 'from-kafka')
    const before = await stateOf(kafka)
    await kafka.stop()
    const own = await startOn(ottla, kafka)
    expect(await stateOf(own)).to.deep.equal(before)
    const formatted = await TestBroker.start({ program: { ...ottla, prepare: apacheKafka.prepare as never } })
    brokers.push(formatted)
    expect(readFileSync(join(formatted.dataDir, 'meta.properties'), 'utf8')).to.include(
      'cluster.id=4L6g3nShT-eMCtK--X86sw',
    )
    expect((await stateOf(formatted)).topics).to.deep.equal([])
  })

  it('Kafka’s dump tool reads every record of log and snapshot, and Kafka starts from the snapshot', async () => {
    const own = await TestBroker.start({
      program: ottla,
      settings: { 'metadata.log.max.record.bytes.between.snapshots': '2000' },
    })
    brokers.push(own)
    await makeHistory(own, 'snapshot')
    const before = await stateOf(own)
    await own.stop()
    const directory = join(own.dataDir, '__cluster_metadata-0')
    const files = readdirSync(directory).filter((name) => /\.(log|checkpoint)$/.test(name))
    expect(files.filter((name) => name.endsWith('.checkpoint'))).to.have.length(1)
    for (const file of files) {
      const { records, invalid } = await metadataDump(join(directory, file))
      expect(invalid, file).to.deep.equal([])
      if (file.endsWith('.checkpoint')) {
        const types = records.map(({ type }) => type)
        expect(types[0]).to.equal('FEATURE_LEVEL_RECORD')
        expect(types).to.include.members([
          'TOPIC_RECORD',
          'PARTITION_RECORD',
          'CONFIG_RECORD',
          'REGISTER_BROKER_RECORD',
        ])
      }
    }
    const kafka = await startOn(apacheKafka, own)
    await seen(kafka, 'snapshot')
    expect(await stateOf(kafka)).to.deep.equal(before)
  })
})
