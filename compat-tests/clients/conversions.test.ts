import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { ConsoleTools } from '../console-tools/stock-tools.ts'
import { ToolRunner } from '../console-tools/tool-runner.ts'
import { needs } from '../requirements.ts'
import { runCommandWell } from '../run-command.ts'
import { TestBroker } from '../test-broker.ts'
import { KafkaJsApplication } from './kafkajs/kafkajs-application.ts'
import { type MatrixClient, matrixClients, workingDirectory } from './matrix/matrix-client.ts'

const CODECS = ['gzip', 'snappy', 'lz4', 'zstd']
/** Codecs that consoles older than record batches support. */
const EARLY_CODECS = ['gzip', 'snappy', 'lz4']
/** The last versions with message sets v0 and v1. */
const OLD_VERSIONS = ['0.9.0.1', '0.10.2.2']
const COUNT = 60

/** rdkafka is librdkafka, like confluent-kafka, and takes minutes to build. */
const clients = matrixClients.filter(({ name }) => name !== 'rdkafka')

const keyOf = (index: number) => `key-${index}`
const textOf = (index: number) => `${index}:${'x'.repeat(index % 100)}`
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index)

describe('records that the broker converts', function () {
  this.timeout(120_000)
  let broker: TestBroker
  const commands = new Map<MatrixClient, string[]>()
  /** By topic: number of clients that wrote records 0 to COUNT-1 to it. */
  const writers = new Map<string, number>()
  const count = (topic: string) => writers.set(topic, (writers.get(topic) ?? 0) + 1)

  before(async () => {
    broker = await TestBroker.start()
    const application = new KafkaJsApplication(broker.bootstrap)
    const admin = await application.admin()
    const recompressed = CODECS.map((codec) => {
      return { topic: `recompressed-${codec}`, configEntries: [{ name: 'compression.type', value: codec }] }
    })
    await admin.createTopics({ topics: [...recompressed, ...EARLY_CODECS.map((codec) => ({ topic: `new-${codec}` }))] })
    const producer = await application.producer()
    const messages = upTo(COUNT).map((index) => ({ key: keyOf(index), value: textOf(index) }))
    for (const { topic } of recompressed) {
      await producer.send({ topic, messages })
      count(topic)
    }
    await application.close()
  })
  after(() => broker?.dispose())

  const ask = async (client: MatrixClient, verb: string, ...args: string[]) =>
    (
      await runCommandWell([...commands.get(client)!, verb, broker.bootstrap, ...args], {
        cwd: workingDirectory(client),
      })
    ).stdout

  for (const client of clients) {
    describe(`written by ${client.name}`, () => {
      needs(...client.requirements)
      before(async function () {
        this.timeout(600_000)
        commands.set(client, await client.command())
      })
      it('are taken', async () => {
        const codecs = client.codecs.filter((codec) => EARLY_CODECS.includes(codec))
        await inPairs(codecs, (codec) => ask(client, 'produce', `new-${codec}`, codec, String(COUNT)))
        for (const codec of codecs) count(`new-${codec}`)
      })
    })
  }

  for (const version of OLD_VERSIONS) {
    describe(`by the consoles of Apache Kafka ${version}`, () => {
      needs('java', 'maven')
      let runner: ToolRunner
      let tools: ConsoleTools
      before(async () => {
        runner = await ToolRunner.start(version)
        tools = new ConsoleTools(version, broker.bootstrap, runner)
      })
      after(() => runner?.close())

      it('are read: what clients of today wrote becomes a message set, compressed as it was', async () => {
        for (const codec of EARLY_CODECS) {
          const topic = `new-${codec}`
          const expected = upTo(COUNT).flatMap((index) =>
            repeated(`${keyOf(index)}|${textOf(index)}`, writers.get(topic)!),
          )
          const printed = ['print.key=true', 'key.separator=|'].flatMap((property) => tools.formatted(property))
          const { stdout } = await tools.consume(topic, ['--max-messages', String(expected.length), ...printed])
          expect(stdout.trimEnd().split('\n').toSorted(), topic).to.deep.equal(expected.toSorted())
        }
      })

      it('are written: message sets become record batches, compressed as the topic says', async () => {
        const input = upTo(COUNT).map((index) => `${keyOf(index)}|${textOf(index)}\n`)
        const parsed = ['--property', 'parse.key=true', '--property', 'key.separator=|']
        for (const [index, codec] of CODECS.entries()) {
          const topic = `recompressed-${codec}`
          const sent = EARLY_CODECS[index] ?? 'none'
          await tools.produce(topic, { input: input.join('') }, '--compression-codec', sent, ...parsed)
          count(topic)
        }
      })
    })
  }

  describe('are read, as the broker compressed them,', () => {
    for (const client of clients) {
      it(`by ${client.name}`, async function () {
        if (!commands.has(client)) this.skip()
        await inPairs(
          client.codecs.filter((codec) => CODECS.includes(codec)),
          async (codec) => {
            const topic = `recompressed-${codec}`
            const wanted = writers.get(topic)!
            const lines = (await ask(client, 'consume', topic, randomUUID(), String(wanted * COUNT))).trim().split('\n')
            const read = lines.map((line) => JSON.parse(line)).map(({ key, value }) => `${key} ${value}`)
            const expected = upTo(COUNT).flatMap((index) => repeated(`${keyOf(index)} ${textOf(index)}`, wanted))
            expect(read.toSorted(), topic).to.deep.equal(expected.toSorted())
          },
        )
      })
    }
  })
})

function repeated(text: string, times: number): string[] {
  return Array.from({ length: times }, () => text)
}

/** Two programs at once keep two cores busy, but not more. */
async function inPairs<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  for (let index = 0; index < items.length; index += 2) await Promise.all(items.slice(index, index + 2).map(work))
}
