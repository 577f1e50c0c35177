import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { ConfigResourceTypes } from 'kafkajs'
import type { LongProgram } from '../../long-program.ts'
import { needs } from '../../requirements.ts'
import { TestBroker } from '../../test-broker.ts'
import { waitFor } from '../../wait-for.ts'
import { Inbox, KafkaJsApplication } from '../kafkajs/kafkajs-application.ts'
import { isRunning, joinForLong, membersAreGone, resetApplication, startApplication } from './streams-application.ts'

const INTERNAL = {
  repartition: 'count-words-by-word-repartition',
  counts: 'count-words-counts-changelog',
  hourly: 'count-words-hourly-changelog',
}

describe('a Kafka Streams application', function () {
  needs('java', 'maven')
  this.timeout(300_000)
  let broker: TestBroker
  let application: KafkaJsApplication
  let folder: string
  let counted: Inbox
  const applications: LongProgram[] = []

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ottla-streams-'))
    broker = await TestBroker.start()
    application = new KafkaJsApplication(broker.bootstrap)
    const admin = await application.admin()
    await admin.createTopics({ topics: ['lines', 'counted'].map((topic) => ({ topic, numPartitions: 2 })) })
    counted = await Inbox.of(await application.consumer(), 'counted')
  })
  after(async () => {
    for (const each of applications) await each.kill()
    await application?.close()
    await broker?.dispose()
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
  })

  /** Resolves once the application runs. */
  async function start(): Promise<LongProgram> {
    const started = await startApplication('CountWords.java', broker.bootstrap, folder)
    applications.push(started)
    await started.until('the application runs', isRunning)
    return started
  }

  async function write(...lines: string[]): Promise<void> {
    const producer = await application.producer()
    await producer.send({ topic: 'lines', messages: lines.map((value) => ({ value })) })
  }

  /** The newest count of each word, once they are as expected. */
  async function counts(expected: Record<string, string>): Promise<void> {
    const seen = () =>
      Object.fromEntries(counted.messages.map(({ message }) => [String(message.key), String(message.value)]))
    const isCounted = () => {
      const now = seen()
      return Object.entries(expected).every(([word, count]) => now[word] === count)
    }
    await waitFor('the words are counted', isCounted, 60_000).catch((error) => {
      throw new Error(`counted: ${JSON.stringify(seen())}`, { cause: error })
    })
    expect(seen()).to.deep.equal(expected)
  }

  /** Waits until everything read is committed: what is not may be counted again, as at-least-once allows. */
  async function committed(): Promise<void> {
    const admin = await application.admin()
    const topics = ['lines', INTERNAL.repartition]
    const ends = async (topic: string) =>
      (await admin.fetchTopicOffsets(topic)).map(({ partition, high }) => `${topic}-${partition} ${high}`)
    const stored = async () =>
      (await admin.fetchOffsets({ groupId: 'count-words', topics })).flatMap(({ topic, partitions }) =>
        partitions.map(({ partition, offset }) => `${topic}-${partition} ${offset === '-1' ? '0' : offset}`),
      )
    const sorted = (texts: string[][]) => texts.flat().sort().join()
    await waitFor('all is committed', async () => {
      return sorted(await Promise.all(topics.map(ends))) === sorted([await stored()])
    })
  }

  it('counts through a repartition topic, and makes its internal topics with the settings that it wants', async () => {
    const child = await start()
    await write('a b a', 'b c')
    await counts({ a: '2', b: '2', c: '1' })
    const admin = await application.admin()
    const resources = Object.values(INTERNAL).map((name) => ({ type: ConfigResourceTypes.TOPIC, name }))
    const described = await admin.describeConfigs({ resources, includeSynonyms: false })
    const setting = (topic: string, name: string) =>
      described.resources
        .find(({ resourceName }) => resourceName === topic)
        ?.configEntries.find(({ configName }) => configName === name)?.configValue
    expect(setting(INTERNAL.repartition, 'cleanup.policy')).to.equal('delete')
    expect(setting(INTERNAL.repartition, 'retention.ms')).to.equal('-1')
    expect(setting(INTERNAL.counts, 'cleanup.policy')).to.equal('compact')
    expect(setting(INTERNAL.hourly, 'cleanup.policy')).to.equal('compact,delete')
    expect(await child.end()).to.equal(0)
  })

  it('goes on from its changelogs after the broker and the application were killed', async () => {
    const child = await start()
    await write('a')
    await counts({ a: '3', b: '2', c: '1' })
    await committed()
    await child.kill()
    await broker.kill9()
    await broker.restart()
    rmSync(folder, { recursive: true, force: true })
    counted = await Inbox.of(await application.consumer(), 'counted')
    await write('c')
    const again = await start()
    await counts({ a: '3', b: '2', c: '2' })
    await again.end()
  })

  it('is reset by kafka-streams-application-reset', async () => {
    await membersAreGone(broker.port, 'count-words')
    await joinForLong(broker.port, 'count-words')
    expect(await resetApplication(broker.bootstrap, 'count-words', 'lines')).to.include('Force deleting')
    const admin = await application.admin()
    expect(await admin.listTopics()).not.to.include.members(Object.values(INTERNAL))
  })
})
