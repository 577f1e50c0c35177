import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { KafkaJsApplication } from '../clients/kafkajs/kafkajs-application.ts'
import { needs } from '../requirements.ts'
import { TestBroker } from '../test-broker.ts'
import { waitFor } from '../wait-for.ts'
import { propertiesText, ToolProcess } from './tool-process.ts'

const COPY_MS = 150_000
const RECORDS = 5

describe('MirrorMaker between two Ottlas', function () {
  this.timeout(300_000)
  needs('java', 'maven')
  let folder: string
  let brokers: TestBroker[] = []
  let from: KafkaJsApplication
  let to: KafkaJsApplication
  let mirror: ToolProcess | undefined

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'ottla-mirror-'))
  })
  beforeEach(async () => {
    brokers = await TestBroker.startAll([{}, {}])
    from = new KafkaJsApplication(brokers[0]!.bootstrap)
    to = new KafkaJsApplication(brokers[1]!.bootstrap)
    const messages = Array.from({ length: RECORDS }, (_, i) => ({ key: `k${i}`, value: `v${i}` }))
    await (await from.admin()).createTopics({ topics: [{ topic: 't', numPartitions: 1 }] })
    await (await from.producer()).send({ topic: 't', messages })
  })
  afterEach(async () => {
    await mirror?.stop('SIGKILL')
    await Promise.all([from?.close(), to?.close()])
    await Promise.all(brokers.map((each) => each.dispose()))
  })
  after(() => {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
  })

  async function start(version: string, tool: string, args: string[], files: Record<string, Record<string, string>>) {
    for (const [name, settings] of Object.entries(files)) writeFileSync(join(folder, name), propertiesText(settings))
    mirror = await ToolProcess.start(version, tool, args, folder)
  }

  /** Waits until the topic has all records at the target. */
  async function copied(topic: string): Promise<void> {
    const admin = await to.admin()
    const isThere = async () => {
      mirror?.expectAlive()
      return (await admin.fetchTopicOffsets(topic))[0]?.high === String(RECORDS)
    }
    await waitFor(`${topic} is copied`, isThere, COPY_MS)
  }

  it('copies topics and translates the offsets of groups: connect-mirror-maker of 4.3.1', async () => {
    const internal = [
      'checkpoints.topic',
      'heartbeats.topic',
      'offset-syncs.topic',
      'offset.storage',
      'config.storage',
      'status.storage',
    ]
    const properties = {
      clusters: 'A, B',
      'A.bootstrap.servers': brokers[0]!.bootstrap,
      'B.bootstrap.servers': brokers[1]!.bootstrap,
      'A->B.enabled': 'true',
      'B->A.enabled': 'false',
      'A->B.topics': 't',
      'A->B.groups': 'readers',
      'replication.factor': '1',
      ...Object.fromEntries(internal.map((each) => [`${each}.replication.factor`, '1'])),
      'offset.lag.max': '0',
      'sync.group.offsets.enabled': 'true',
      'sync.group.offsets.interval.seconds': '1',
      'emit.checkpoints.interval.seconds': '1',
      'refresh.groups.interval.seconds': '1',
    }
    const commit = { groupId: 'readers', topic: 't', partitions: [{ partition: 0, offset: String(RECORDS) }] }
    await (await from.admin()).setOffsets(commit)
    await start('4.3.1', 'connect-mirror-maker', ['mirror.properties'], { 'mirror.properties': properties })
    await copied('A.t')
    const admin = await to.admin()
    const translated = async () => {
      const [topic] = await admin.fetchOffsets({ groupId: 'readers', topics: ['A.t'] })
      return topic?.partitions[0]?.offset === String(RECORDS)
    }
    await waitFor('the offset is translated', translated, COPY_MS)
    expect(await admin.listTopics()).to.include.members(['A.t', 'A.checkpoints.internal', 'heartbeats'])
  })

  it('copies topics under their own names: kafka-mirror-maker of 2.8.2', async () => {
    const args = [
      '--consumer.config',
      'consumer.properties',
      '--producer.config',
      'producer.properties',
      '--whitelist',
      't',
    ]
    await start('2.8.2', 'kafka-mirror-maker', args, {
      'consumer.properties': {
        'bootstrap.servers': brokers[0]!.bootstrap,
        'group.id': 'mirror',
        'auto.offset.reset': 'earliest',
      },
      'producer.properties': { 'bootstrap.servers': brokers[1]!.bootstrap },
    })
    await copied('t')
    await mirror!.stop()
    const admin = await from.admin()
    const [topic] = await admin.fetchOffsets({ groupId: 'mirror', topics: ['t'] })
    expect(topic?.partitions[0]?.offset).to.equal(String(RECORDS))
  })
})
