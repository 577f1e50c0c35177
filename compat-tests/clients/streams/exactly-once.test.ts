import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import type { LongProgram } from '../../long-program.ts'
import { needs } from '../../requirements.ts'
import { TestBroker } from '../../test-broker.ts'
import { KafkaJsApplication } from '../kafkajs/kafkajs-application.ts'
import { BrokerTopics } from '../transactions/broker-topics.ts'
import { isRunning, membersAreGone, resetApplication, startApplication } from './streams-application.ts'

const PARTITIONS = 2
const WORDS = ['one', 'two', 'three', 'four', 'five']
/** Records of each input topic in each phase. */
const COUNT = 300

describe('a Kafka Streams application with exactly_once_v2', function () {
  needs('java', 'maven')
  this.timeout(300_000)
  let broker: TestBroker
  let topics: BrokerTopics
  let folder: string
  let application: LongProgram | undefined
  let written = 0

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ottla-streams-'))
    const settings = { 'group.min.session.timeout.ms': '1000', 'transaction.state.log.num.partitions': '2' }
    broker = await TestBroker.start({ settings })
    topics = new BrokerTopics([broker.port], PARTITIONS)
    await topics.create('words', 'left', 'right', 'counts', 'joined')
  })
  after(async () => {
    await application?.kill()
    await broker?.dispose()
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
  })

  async function start(): Promise<void> {
    application = await startApplication('ExactlyOnce.java', broker.bootstrap, folder)
    await application.until('the application runs', isRunning)
  }

  /** Writes the next records to all inputs. Those of one key are in the same partition of both sides. */
  async function write(): Promise<void> {
    const numbers = Array.from({ length: COUNT }, (_, index) => written + index)
    const records = (toValue: (number: number) => string) =>
      Array.from({ length: PARTITIONS }, (_, partition) =>
        numbers
          .filter((number) => number % PARTITIONS === partition)
          .map((number) => [`${number}`, toValue(number)] as const),
      )
    await topics.writeKeyed(
      'words',
      records((number) => WORDS[number % WORDS.length]!),
    )
    for (const side of ['left', 'right'])
      await topics.writeKeyed(
        side,
        records((number) => `${side}-${number}`),
      )
    written += COUNT
  }

  /** Waits until it has counted words, and not committed that. */
  async function inTransaction(): Promise<void> {
    await application!.until('a transaction is open', () => topics.isOpen('counts'))
  }

  async function allCommitted(): Promise<void> {
    for (const topic of ['counts', 'joined']) {
      const isComplete = async () => {
        const { length } = (await topics.committed(topic)).flat()
        if (length < written) throw new Error(`${length} of ${written}`)
        return true
      }
      await application!.until(`all of ${topic} are committed`, isComplete)
    }
  }

  /** Each count of each word in turn, and each pair once. */
  async function expectExactlyOnce(): Promise<void> {
    const counts = (await topics.committed('counts')).flat()
    for (const word of WORDS) {
      const own = counts.filter((value) => value.startsWith(`${word} `))
      expect(own).to.deep.equal(Array.from({ length: written / WORDS.length }, (_, index) => `${word} ${index + 1}`))
    }
    const pairs = (await topics.committed('joined')).flat().sort()
    expect(pairs).to.deep.equal(Array.from({ length: written }, (_, n) => `left-${n} right-${n}`).sort())
  }

  it('counts and joins exactly once although it is killed in a transaction', async () => {
    await start()
    await write()
    await inTransaction()
    await application!.kill()
    await start()
    await write()
    await allCommitted()
    await expectExactlyOnce()
  })

  it('goes on by itself when the broker is killed in a transaction', async () => {
    await write()
    await inTransaction()
    await broker.kill9()
    await broker.restart()
    await write()
    await allCommitted()
    expect(await application!.end()).to.equal(0)
    await expectExactlyOnce()
  })

  it('is reset by kafka-streams-application-reset', async () => {
    await membersAreGone(broker.port, 'exactly-once')
    await resetApplication(broker.bootstrap, 'exactly-once', 'words', 'left', 'right')
    const clients = new KafkaJsApplication(broker.bootstrap)
    const names = await (await clients.admin()).listTopics()
    await clients.close()
    expect(names.filter((name) => name.startsWith('exactly-once-'))).to.deep.equal([])
  })
})
