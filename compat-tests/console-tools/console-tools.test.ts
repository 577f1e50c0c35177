import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createReadStream, createWriteStream, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { expect } from 'chai'
import { needs } from '../requirements.ts'
import { TestBroker } from '../test-broker.ts'
import { ConsoleTools } from './stock-tools.ts'
import { ToolRunner } from './tool-runner.ts'

const VERSIONS = ['4.4.0', '2.8.2']
const MANY_LINES = 1_000_000

describe('stock console tools', function () {
  needs('java', 'maven')
  this.timeout(180_000)
  let broker: TestBroker
  let folder: string

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ottla-console-'))
    broker = await TestBroker.start()
  })
  after(async () => {
    await broker?.dispose()
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
  })

  for (const version of VERSIONS) {
    describe(`of Apache Kafka ${version}`, () => {
      let runner: ToolRunner
      let tools: ConsoleTools
      before(async () => {
        runner = await ToolRunner.start(version)
        tools = new ConsoleTools(version, broker.bootstrap, runner)
      })
      after(() => runner?.close())
      /** Each run is a separate process, as for a user. */
      const apart = () => new ConsoleTools(version, broker.bootstrap)

      it('create a topic, list it, describe it and delete it', async () => {
        const topic = `seed-${version}`
        const created = await tools.topics(
          '--create',
          '--topic',
          topic,
          '--partitions',
          '3',
          '--config',
          'retention.ms=9223372036854775807',
        )
        expect(created.stdout).to.contain(`Created topic ${topic}.`)
        expect(lines((await tools.topics('--list')).stdout)).to.include(topic)
        const described = (await tools.topics('--describe', '--topic', topic)).stdout
        expect(described).to.match(
          /PartitionCount:\s*3\s+ReplicationFactor:\s*1\s+Configs:.*retention\.ms=9223372036854775807/,
        )
        expect(
          lines(described).filter((line) => /Partition: [012]\s+Leader: (\d+)\s+Replicas: \1\s+Isr: \1/.test(line)),
        ).to.have.length(3)
        await tools.topics('--delete', '--topic', topic)
        expect(lines((await tools.topics('--list')).stdout)).not.to.include(topic)
      })

      it('write to a topic that does not exist yet and read it from the beginning', async () => {
        const topic = `first-contact-${version}`
        await apart().produce(topic, { input: 'one\ntwo\n\nthree\n' })
        const read = await apart().consume(topic, ['--max-messages', '4'])
        expect(read.stdout).to.equal('one\ntwo\n\nthree\n')
      })

      it('write keys and read them back, the records of a key in order', async () => {
        const topic = `keyed-${version}`
        await tools.topics('--create', '--topic', topic, '--partitions', '4')
        const written = Array.from({ length: 100 }, (_, index) => `key-${index % 7}:value ${index}`)
        await tools.produce(
          topic,
          { input: `${written.join('\n')}\n` },
          '--property',
          'parse.key=true',
          '--property',
          'key.separator=:',
        )
        const read = lines(
          (
            await tools.consume(topic, [
              '--max-messages',
              '100',
              '--property',
              'print.key=true',
              '--property',
              'key.separator=:',
            ])
          ).stdout,
        )
        const ofKey = (all: string[], key: number) => all.filter((line) => line.startsWith(`key-${key}:`))
        for (let key = 0; key < 7; key++) expect(ofKey(read, key)).to.deep.equal(ofKey(written, key))
      })

      for (const codec of ['gzip', 'snappy', 'lz4', 'zstd']) {
        it(`write and read ${codec}`, async () => {
          const topic = `${codec}-${version}`
          const text = Array.from({ length: 500 }, (_, index) => `line ${index} ${'x'.repeat(index % 90)}\n`).join('')
          await tools.produce(topic, { input: text }, '--compression-codec', codec)
          expect((await tools.consume(topic, ['--max-messages', '500'])).stdout).to.equal(text)
        })
      }

      it(`carry a file of ${MANY_LINES.toLocaleString('en')} lines unchanged`, async () => {
        const topic = `million-${version}`
        const [sent, received] = [join(folder, `sent-${version}`), join(folder, `received-${version}`)]
        await writeManyLines(sent, MANY_LINES)
        await apart().produce(topic, { inputFile: sent, timeoutMs: 120_000 })
        await apart().consume(topic, ['--max-messages', String(MANY_LINES)], {
          outputFile: received,
          timeoutMs: 120_000,
        })
        expect(await sha256(received)).to.equal(await sha256(sent))
        for (const file of [sent, received]) rmSync(file)
      })

      it('say that a topic exists already', async () => {
        const topic = `twice-${version}`
        await tools.topics('--create', '--topic', topic)
        const again = await tools.topicsFail('--create', '--topic', topic)
        expect(again).to.contain(`Topic '${topic}' already exists.`)
      })

      it('say what is wrong with a topic name', async () => {
        const refused = await tools.topicsFail('--create', '--topic', 'a b')
        expect(refused).to.contain(
          "'a b' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'",
        )
      })

      it('say that there are too few brokers for the replicas', async () => {
        const refused = await tools.topicsFail(
          '--create',
          '--topic',
          `replicas-${version}`,
          '--replication-factor',
          '3',
        )
        expect(refused).to.contain('Unable to replicate the partition 3 time(s): ')
        expect(refused).to.contain(
          'The target replication factor of 3 cannot be reached because only 1 broker(s) are registered',
        )
      })

      it('say that a number of partitions is out of range', async () => {
        const refused = await tools.topicsFail('--create', '--topic', `partitions-${version}`, '--partitions', '0')
        expect(refused).to.contain('The partitions must be greater than 0')
      })

      it('say which setting a topic cannot have', async () => {
        const unknown = await tools.topicsFail(
          '--create',
          '--topic',
          `config-${version}`,
          '--config',
          'retention.ms=soon',
        )
        expect(unknown).to.contain('Invalid value soon for configuration retention.ms')
      })

      it('say that a topic to be deleted does not exist', async () => {
        const refused = await tools.topicsFail('--delete', '--topic', `nobody-${version}`)
        expect(refused).to.contain(`Topic 'nobody-${version}' does not exist as expected`)
      })

      it('say that a record is too large', async () => {
        const topic = `small-${version}`
        await tools.topics('--create', '--topic', topic, '--config', 'max.message.bytes=1000')
        const refused = await tools.produceFail(topic, `${'x'.repeat(5000)}\n`)
        expect(refused).to.contain(
          'RecordTooLargeException: The request included a message larger than the max message size the server will accept.',
        )
        await tools.produce(topic, { input: 'small\n' })
        expect((await tools.consume(topic, ['--max-messages', '1'])).stdout).to.equal('small\n')
      })

      it('consume as a group, and list and describe its offsets', async () => {
        const [topic, group] = [`grouped-${version}`, `group-${version}`]
        await tools.topics('--create', '--topic', topic, '--partitions', '2')
        await tools.produce(topic, { input: 'a\nb\nc\nd\n' })
        await tools.consume(topic, ['--max-messages', '4', '--group', group])
        expect(lines((await tools.groups('--list')).stdout)).to.include(group)
        const described = (await tools.groups('--describe', '--group', group)).stdout
        const committed = [...described.matchAll(/ (\d+) +(\d+) +(\d+) +-/g)]
        expect(committed.reduce((sum, [, offset]) => sum + Number(offset), 0)).to.equal(4)
        expect(committed.every(([, , , lag]) => lag === '0')).to.equal(true)
      })
    })
  }
})

function lines(text: string): string[] {
  return text.split('\n').filter((line) => line !== '')
}

/** Lines of 20 to 80 characters, all different. */
async function writeManyLines(file: string, count: number): Promise<void> {
  const out = createWriteStream(file)
  for (let index = 0; index < count; ) {
    let block = ''
    for (const end = Math.min(count, index + 10_000); index < end; index++) {
      block += `${String(index).padStart(8, '0')} ${'abcdefghij'.repeat(7).slice(0, 11 + ((index * 7) % 60))}\n`
    }
    if (!out.write(block)) await once(out, 'drain')
  }
  out.end()
  await once(out, 'finish')
}

async function sha256(file: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file), hash)
  return hash.digest('hex')
}
