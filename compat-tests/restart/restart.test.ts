import { expect } from 'chai'
import { CompressionTypes, ConfigResourceTypes } from 'kafkajs'
import { Inbox, KafkaJsApplication } from '../clients/kafkajs/kafkajs-application.ts'
import { commitFromOutside } from '../commit-offsets.ts'
import { ConsoleTools } from '../console-tools/stock-tools.ts'
import { ToolRunner } from '../console-tools/tool-runner.ts'
import { needs } from '../requirements.ts'
import { runCommandWell } from '../run-command.ts'
import { TestBroker } from '../test-broker.ts'
import { waitFor } from '../wait-for.ts'
import { IdempotentProducer } from './idempotent-producer.ts'

const OUT_OF_ORDER_SEQUENCE_NUMBER = 45
const DUPLICATE_SEQUENCE_NUMBER = 46

const ENDS = {
  'a stop': (broker: TestBroker) => broker.stop(),
  'kill -9': (broker: TestBroker) => broker.kill9(),
}

for (const [name, end] of Object.entries(ENDS)) {
  describe(`after ${name} and a start`, function () {
    this.timeout(120_000)
    let broker: TestBroker
    let application: KafkaJsApplication

    before(async () => {
      broker = await TestBroker.start()
    })
    beforeEach(() => {
      application = new KafkaJsApplication(broker.bootstrap)
    })
    afterEach(() => application.close())
    after(() => broker?.dispose())

    const again = async () => {
      await application.close()
      await end(broker)
      await broker.restart()
      application = new KafkaJsApplication(broker.bootstrap)
    }

    it('topics, their partitions and their ids are there', async () => {
      const admin = await application.admin()
      await admin.createTopics({ topics: [{ topic: 'kept', numPartitions: 3 }, { topic: 'removed' }] })
      await admin.deleteTopics({ topics: ['removed'] })
      const clusterId = (await admin.describeCluster()).clusterId
      await again()
      const after = await application.admin()
      expect(await after.listTopics())
        .to.include('kept')
        .and.not.to.include('removed')
      const { topics } = await after.fetchTopicMetadata({ topics: ['kept'] })
      expect(topics[0]!.partitions).to.have.length(3)
      expect(topics[0]!.partitions.every(({ leader }) => leader >= 0)).to.equal(true)
      expect((await after.describeCluster()).clusterId).to.equal(clusterId)
    })

    it('settings of topics are there', async () => {
      const admin = await application.admin()
      const configEntries = [
        { name: 'retention.ms', value: '9223372036854775807' },
        { name: 'cleanup.policy', value: 'compact,delete' },
      ]
      await admin.createTopics({ topics: [{ topic: 'configured', configEntries }] })
      await again()
      const resource = {
        type: ConfigResourceTypes.TOPIC,
        name: 'configured',
        configNames: configEntries.map(({ name }) => name),
      }
      const { resources } = await (await application.admin()).describeConfigs({
        includeSynonyms: false,
        resources: [resource],
      })
      const found = resources[0]!.configEntries.map(({ configName, configValue }) => ({
        name: configName,
        value: configValue,
      }))
      expect(found).to.have.deep.members(configEntries)
    })

    it('records are there with their offsets, keys, headers and timestamps, and new ones follow', async () => {
      const producer = await application.producer()
      const timestamp = String(Date.now() - 5000)
      const messages = Array.from({ length: 500 }, (_, index) => ({
        key: `k${index}`,
        value: `value ${index}`,
        headers: { n: String(index) },
        timestamp,
      }))
      await producer.send({ topic: 'records', messages: messages.slice(0, 250) })
      await producer.send({ topic: 'records', compression: CompressionTypes.GZIP, messages: messages.slice(250) })
      await again()
      const [sent] = await (await application.producer()).send({ topic: 'records', messages: [{ value: 'new' }] })
      expect(sent!.baseOffset).to.equal('500')
      const inbox = await Inbox.of(await application.consumer(), 'records')
      const read = (await inbox.atLeast(501)).map(({ message }) => message)
      expect(read.map(({ offset }) => offset)).to.deep.equal(Array.from({ length: 501 }, (_, index) => String(index)))
      const back = read.slice(0, 500).map(({ key, value, headers, timestamp }) => ({
        key: key!.toString(),
        value: value!.toString(),
        headers: { n: headers!.n!.toString() },
        timestamp,
      }))
      expect(back).to.deep.equal(messages)
    })

    it('committed offsets are there, and groups continue from them', async () => {
      const [topic, groupId] = ['committed', 'committing']
      const producer = await application.producer()
      await producer.send({ topic, messages: [{ value: 'a' }, { value: 'b' }] })
      const consumer = await application.consumer({ groupId })
      await (await Inbox.of(consumer, topic)).atLeast(2)
      await consumer.disconnect()
      await commitFromOutside(broker.port, 'idle', topic, [1])
      await again()
      const [found] = await (await application.admin()).fetchOffsets({ groupId: 'idle', topics: [topic] })
      expect(found!.partitions[0]!.offset).to.equal('1')
      await (await application.producer()).send({ topic, messages: [{ value: 'c' }] })
      const inbox = await Inbox.of(await application.consumer({ groupId }), topic)
      await inbox.atLeast(1)
      expect(inbox.values).to.deep.equal(['c'])
    })

    it('the start of a log that was moved stays where it is', async () => {
      const producer = await application.producer()
      await producer.send({ topic: 'trimmed', messages: ['a', 'b', 'c'].map((value) => ({ value })) })
      const admin = await application.admin()
      await admin.fetchTopicOffsets('trimmed')
      await admin.deleteTopicRecords({ topic: 'trimmed', partitions: [{ partition: 0, offset: '2' }] })
      // Kafka checkpoints the log start offset periodically and at a clean stop; after a crash it may be older.
      const [low] = name === 'kill -9' ? ['0', '2'] : ['2', '2']
      await again()
      const [offsets] = await (await application.admin()).fetchTopicOffsets('trimmed')
      expect(offsets!.high).to.equal('3')
      expect(Number(offsets!.low)).to.be.within(Number(low), 2)
    })

    it('duplicates of an idempotent producer are still told, gaps still refused', async () => {
      await (await application.admin()).createTopics({ topics: [{ topic: 'exact' }] })
      const producer = await IdempotentProducer.start(broker.port)
      expect(await producer.send(broker.port, 'exact', 0, 'a', 'b')).to.deep.equal({ errorCode: 0, baseOffset: 0 })
      expect(await producer.send(broker.port, 'exact', 2, 'c')).to.deep.equal({ errorCode: 0, baseOffset: 2 })
      await again()
      expect(await producer.send(broker.port, 'exact', 2, 'c'), 'the last batch again').to.deep.equal({
        errorCode: 0,
        baseOffset: 2,
      })
      expect((await producer.send(broker.port, 'exact', 9, 'x')).errorCode, 'a gap').to.equal(
        OUT_OF_ORDER_SEQUENCE_NUMBER,
      )
      expect(
        (await producer.send(broker.port, 'exact', 1, 'x')).errorCode,
        'neither the next nor a known one',
      ).to.be.oneOf([OUT_OF_ORDER_SEQUENCE_NUMBER, DUPLICATE_SEQUENCE_NUMBER])
      expect(await producer.send(broker.port, 'exact', 3, 'd')).to.deep.equal({ errorCode: 0, baseOffset: 3 })
      const inbox = await Inbox.of(await application.consumer(), 'exact')
      await inbox.atLeast(4)
      expect(inbox.values).to.deep.equal(['a', 'b', 'c', 'd'])
    })

    it('no producer id is given out a second time', async () => {
      const before = await IdempotentProducer.start(broker.port)
      await again()
      const after = await IdempotentProducer.start(broker.port)
      expect(after.producerId).to.be.above(before.producerId)
    })

    it('clients that stayed connected go on by themselves, each record once', async () => {
      await (await application.admin()).createTopics({ topics: [{ topic: 'unbroken' }] })
      const patient = { retry: { initialRetryTime: 50, maxRetryTime: 500, retries: 200 } }
      const producer = await application.producer({ idempotent: true, ...patient })
      const inbox = await Inbox.of(await application.consumer({ groupId: 'unbroken', ...patient }), 'unbroken')
      let isOver = false
      let sent = 0
      const sending = (async () => {
        while (!isOver) await producer.send({ topic: 'unbroken', messages: [{ value: String(sent++) }] })
      })()
      await waitFor('some are read', () => inbox.messages.length > 20)
      await end(broker)
      await broker.restart()
      const sentAtRestart = sent
      await waitFor('it writes again', () => sent > sentAtRestart + 20, 60_000)
      isOver = true
      await sending
      await inbox.atLeast(sent, 60_000)
      const first = new Map(inbox.messages.map(({ message }) => [message.offset, message.value!.toString()]))
      // A consumer that could not commit reads some records again; the log contains each once.
      expect([...first.values()]).to.deep.equal(Array.from({ length: sent }, (_, index) => String(index)))
    })

    describe('seen by kcat', () => {
      needs('kcat')
      const kcat = async (input: string, ...args: string[]) => {
        const soon = ['-X', 'fetch.wait.max.ms=20']
        return (await runCommandWell(['kcat', '-b', broker.bootstrap, '-q', ...soon, ...args], { input })).stdout
      }

      it('records of each codec are there', async () => {
        const text = Array.from({ length: 1000 }, (_, index) => `line ${index} of some\n`).join('')
        const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd']
        for (const codec of codecs) await kcat(text, '-P', '-t', codec, '-z', codec)
        await again()
        for (const codec of codecs) {
          expect((await kcat('', '-C', '-t', codec, '-o', 'beginning', '-e')) === text, codec).to.equal(true)
        }
      })

      it('partitions, offsets by time and the place of a group are there', async () => {
        const topic = 'by-kcat'
        const asMember = () => kcat('', '-G', 'kcat-group', '-e', '-X', 'auto.offset.reset=earliest', topic)
        await (await application.admin()).createTopics({ topics: [{ topic, numPartitions: 1 }] })
        await kcat('a\nb\n', '-P', '-t', topic)
        expect(await asMember()).to.equal('a\nb\n')
        const { ts } = JSON.parse(await kcat('', '-C', '-t', topic, '-o', 'beginning', '-c', '1', '-J'))
        const partitions = async () => JSON.parse(await kcat('', '-L', '-J', '-t', topic)).topics[0].partitions
        const before = await partitions()
        await again()
        expect(await partitions()).to.deep.equal(before)
        expect(await kcat('', '-Q', '-t', `${topic}:0:${ts}`)).to.equal(`${topic} [0] offset 0\n`)
        await kcat('c\n', '-P', '-t', topic)
        expect(await asMember()).to.equal('c\n')
      })
    })

    for (const version of ['4.4.0', '2.8.2']) {
      describe(`seen by the console tools of Apache Kafka ${version}`, () => {
        needs('java', 'maven')
        let runner: ToolRunner
        before(async () => {
          runner = await ToolRunner.start(version)
        })
        after(() => runner?.close())

        it('topics, records and the place of a group are there', async () => {
          const [topic, group] = [`by-console-${version}`, `console-${version}`]
          const tools = new ConsoleTools(version, broker.bootstrap, runner)
          const config = ['--config', 'retention.ms=9223372036854775807']
          await tools.topics('--create', '--topic', topic, '--partitions', '1', ...config)
          await tools.produce(topic, { input: 'a\nb\n' }, '--compression-codec', 'lz4')
          const read = async (...args: string[]) => (await tools.consume(topic, args)).stdout
          expect(await read('--max-messages', '2', '--group', group)).to.equal('a\nb\n')
          const describe = async () => (await tools.topics('--describe', '--topic', topic)).stdout
          const before = await describe()
          expect(before).to.contain('retention.ms=9223372036854775807')
          await again()
          expect(await describe()).to.equal(before)
          await tools.produce(topic, { input: 'c\n' })
          expect(await read('--max-messages', '1', '--group', group)).to.equal('c\n')
          expect(await read('--max-messages', '3')).to.equal('a\nb\nc\n')
        })
      })
    }
  })
}
