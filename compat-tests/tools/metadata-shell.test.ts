import { join } from 'node:path'
import { expect } from 'chai'
import { AlterClientQuotas } from '../../protocol/apis/alter-client-quotas.ts'
import { AlterUserScramCredentials } from '../../protocol/apis/alter-user-scram-credentials.ts'
import { CreateTopics } from '../../protocol/apis/create-topics.ts'
import { DeleteTopics } from '../../protocol/apis/delete-topics.ts'
import { IncrementalAlterConfigs } from '../../protocol/apis/incremental-alter-configs.ts'
import { InitProducerId } from '../../protocol/apis/init-producer-id.ts'
import { apacheKafka, CLUSTER_ID } from '../apache-kafka.ts'
import type { BrokerPlace, BrokerProgram } from '../broker-program.ts'
import { runKafkaTool } from '../kafka-tool.ts'
import { RawClient } from '../raw-client.ts'
import { needs } from '../requirements.ts'
import { TestBroker } from '../test-broker.ts'
import { waitFor } from '../wait-for.ts'
import { normalise } from './normalise.ts'
import { ottlaLikeKafka } from './side.ts'

/** Newest on Maven. It does not know the metadata.version of 4.4, so its own kafka-storage prepares the directories. */
const VERSION = '4.3.1'

/** Two kinds of name are not asked for as a tree: topics by random ids, and user(alice), which find trips over. */
const commands = [
  ...['ls /', 'ls /image', 'ls /image/topics/byId', 'find /image/topics/byName', 'find /local'],
  'tree /image/acls /image/clientQuotas /image/cluster /image/configs /image/delegationToken /image/features',
  'tree /image/producerIds /image/provenance /image/scram /image/topics/byName',
  ...['cat /image/topics/byName/wide/2', 'cat /image/topics/byName/gone/0', 'cat /image/configs/TOPIC:wide/flush.ms'],
  ...['cat /image', 'cat /nowhere', 'ls /nowhere', 'tree /nowhere', 'cd /image/topics/byName', 'pwd', 'ls'],
  ...['ls /image/*/byName/*', 'nonsense', 'cat', 'exit'],
]

function formatted(program: BrokerProgram): BrokerProgram {
  const prepare = async (place: BrokerPlace) => {
    await apacheKafka.command(place)
    const args = ['format', '--cluster-id', CLUSTER_ID, '--config', join(place.directory, 'server.properties')]
    const { code, stdout, stderr } = await runKafkaTool(VERSION, 'kafka-storage', args)
    expect(code, stdout + stderr).to.equal(0)
  }
  return { ...program, prepare }
}

/** Topics, settings, a quota, a user, ids of producers. */
async function makeHistory({ port }: TestBroker): Promise<void> {
  const client = await RawClient.connect(port)
  const create = async (name: string, numPartitions: number) => {
    const configs = [{ name: 'retention.ms', value: '60000' }]
    const topics = [{ name, numPartitions, replicationFactor: 1, assignments: [], configs }]
    const answer = await client.send(CreateTopics, 7, { topics, timeoutMs: 10_000 })
    expect(answer.topics.map(({ errorCode }) => errorCode)).to.deep.equal([0])
  }
  for (const [name, partitions] of [
    ['plain', 1],
    ['wide', 3],
    ['gone', 1],
  ] as const)
    await create(name, partitions)
  await client.send(DeleteTopics, 4, { topics: [], topicNames: ['gone'], timeoutMs: 10_000 })
  const set = (resourceType: number, resourceName: string, name: string, value: string) => ({
    resourceType,
    resourceName,
    configs: [{ name, configOperation: 0, value }],
  })
  await client.send(IncrementalAlterConfigs, 1, {
    resources: [set(2, 'wide', 'flush.ms', '5000'), set(4, '', 'log.retention.ms', '86400000')],
    validateOnly: false,
  })
  const credential = { iterations: 4096, salt: Buffer.from('salt'), saltedPassword: Buffer.alloc(32, 7) }
  const upsertions = [{ name: 'alice', mechanism: 1, ...credential }]
  await client.send(AlterUserScramCredentials, 0, { deletions: [], upsertions })
  const quota = {
    entity: [{ entityType: 'user', entityName: 'alice' }],
    ops: [{ key: 'producer_byte_rate', value: 1000, remove: false }],
  }
  await client.send(AlterClientQuotas, 1, { entries: [quota], validateOnly: false })
  const ofAProducer = { transactionalId: null, transactionTimeoutMs: 0, producerId: -1, producerEpoch: -1 }
  // Apache Kafka's broker first has to fetch a block of ids.
  const hasId = async () => (await client.send(InitProducerId, 4, ofAProducer)).errorCode === 0
  await waitFor('a producer gets an id', hasId)
  client.close()
}

/** What the shell prints for the log that a broker has just written, and its exit code. */
async function shown(program: BrokerProgram): Promise<string> {
  const broker = await TestBroker.start({ program: formatted(program) })
  try {
    await makeHistory(broker)
    // Apache Kafka changes its leaders and holds the lock of its directory until it has gone.
    await broker.kill9()
    const log = join(broker.dataDir, '__cluster_metadata-0', `${'0'.repeat(20)}.log`)
    const input = commands.map((each) => `${each}\n`).join('')
    const { code, stdout } = await runKafkaTool(VERSION, 'kafka-metadata-shell', ['--snapshot', log], { input })
    const own = [broker.port, broker.secondPort].map((port, index) => [String(port), `PORT${index}`] as const)
    return `exit code ${code}\n${normalise(stdout, own, ['metadata'])}`
  } finally {
    await broker.dispose()
  }
}

describe('kafka-metadata-shell on the metadata log', function () {
  this.timeout(300_000)
  needs('java', 'maven')

  it('shows of Ottla what it shows of Apache Kafka', async () => {
    const own = await shown(ottlaLikeKafka)
    expect(own)
      .to.match(/^exit code 0\n/)
      .and.to.contain('log.retention.ms')
      .and.to.contain('SCRAM-SHA-256')
    expect(own).to.equal(await shown(apacheKafka))
  })
})
