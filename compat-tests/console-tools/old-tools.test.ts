import { expect } from 'chai'
import { Inbox, KafkaJsApplication } from '../clients/kafkajs/kafkajs-application.ts'
import { needs } from '../requirements.ts'
import { TestBroker } from '../test-broker.ts'
import { waitFor } from '../wait-for.ts'
import { RecordTap } from './record-tap.ts'
import { ConsoleTools } from './stock-tools.ts'
import { ToolRunner } from './tool-runner.ts'

const EARLY_CODECS = ['none', 'gzip', 'snappy', 'lz4']
const CODECS = [...EARLY_CODECS, 'zstd']

interface Age {
  readonly codecs: readonly string[]
  /**
   * Request versions and record formats it uses to write and read: magic 0 and 1 are the message sets from before 0.11.
   */
  readonly speaks: readonly string[]
}

/**
 * One version of each age: both message sets, the first record batches, the last without and with KRaft, the newest.
 */
const AGES: Readonly<Record<string, Age>> = {
  '0.9.0.1': { codecs: EARLY_CODECS, speaks: ['Fetch v1, magic 0', 'Produce v1, magic 0'] },
  '0.10.2.2': { codecs: EARLY_CODECS, speaks: ['Fetch v3, magic 1', 'Produce v2, magic 1'] },
  '1.1.1': { codecs: EARLY_CODECS, speaks: ['Fetch v7, magic 2', 'Produce v5, magic 2'] },
  '2.8.2': { codecs: CODECS, speaks: ['Fetch v12, magic 2', 'Produce v9, magic 2'] },
  '3.9.1': { codecs: CODECS, speaks: ['Fetch v17, magic 2', 'Produce v11, magic 2'] },
  '4.3.1': { codecs: CODECS, speaks: ['Fetch v18, magic 2', 'Produce v13, magic 2'] },
  '4.4.0': { codecs: CODECS, speaks: ['Fetch v18, magic 2', 'Produce v13, magic 2'] },
}
const NEWEST = '4.4.0'
const KEYED = ['--property', 'parse.key=true', '--property', 'key.separator=:']
const PERF_RECORDS = 20_000

describe('console, group and perf tools of all ages', function () {
  needs('java', 'maven')
  this.timeout(120_000)
  let tap: RecordTap
  let broker: TestBroker
  /** Has a member in the group 'watching'. */
  let application: KafkaJsApplication
  let runner: ToolRunner
  let tools: ConsoleTools
  /** Text written to the topics that all versions write to, in order. */
  const written = new Map<string, string>()

  before(async () => {
    tap = await RecordTap.start()
    broker = await TestBroker.start({ settings: { 'advertised.listeners': `PLAINTEXT://127.0.0.1:${tap.port}` } })
    tap.forwardTo(broker.port)
    application = new KafkaJsApplication(broker.bootstrap)
    await (await application.producer()).send({ topic: 'watched', messages: [{ value: 'a' }, { value: 'b' }] })
    await (await Inbox.of(await application.consumer({ groupId: 'watching' }), 'watched')).atLeast(2)
  })
  after(async () => {
    await application?.close()
    tap?.close()
    await broker?.dispose()
  })

  function withToolsOf(version: string, define: () => void): void {
    describe(`Apache Kafka ${version}`, () => {
      before(async () => {
        runner = await ToolRunner.start(version)
        tools = new ConsoleTools(version, `127.0.0.1:${tap.port}`, runner)
      })
      after(() => runner?.close())
      define()
    })
  }

  const write = (topic: string, codec: string, input: string) =>
    tools.produce(topic, { input }, '--compression-codec', codec, ...KEYED)
  const read = async (topic: string, count: number) => {
    const format = ['print.key=true', 'key.separator=:'].flatMap((property) => tools.formatted(property))
    return (await tools.consume(topic, ['--max-messages', String(count), ...format])).stdout
  }

  for (const [version, { codecs, speaks }] of Object.entries(AGES)) {
    withToolsOf(version, () => {
      for (const codec of codecs) {
        it(`writes and reads ${codec}, with keys`, async () => {
          const topic = `${version}-${codec}`
          const text = keyedLines(topic, 200)
          tap.take()
          await write(topic, codec, text)
          expect(await read(topic, 200)).to.equal(text)
          expect(tap.take()).to.deep.equal(speaks)

          const common = codec === 'zstd' ? 'all-zstd' : 'all'
          const share = keyedLines(topic, 50)
          await write(common, codec, share)
          written.set(common, (written.get(common) ?? '') + share)
        })
      }

      it('lists groups, and describes the offsets and members of one', async () => {
        expect((await tools.groups('--list')).stdout.split('\n')).to.include('watching')
        const described = async () => (await tools.groups('--describe', '--group', 'watching')).stdout
        const row = await waitFor('its offset is committed', async () =>
          /^.*watched,? +0,? +2,? +2,? +0,? .*$/m.exec(await described()),
        )
        expect(row[0]).to.match(/an-application.*127\.0\.0\.1/)
      })

      it('measures how fast it writes, and how fast it reads', async () => {
        const topic = `perf-${version}`
        const writing = await tools.producerPerf(topic, PERF_RECORDS)
        expect(writing).to.match(new RegExp(`^${PERF_RECORDS} records sent, .* ms max latency`, 'm'))
        // Tools of 0.9 and 0.10 end after a second without a record, even before they have a partition.
        const hasReadAll = async () => {
          const [names, values] = (await tools.consumerPerf(topic, PERF_RECORDS)).trim().split('\n').slice(-2)
          const column = names!.split(', ').indexOf('data.consumed.in.nMsg')
          return Number(values!.split(', ')[column]) >= PERF_RECORDS
        }
        await waitFor('all records are read', hasReadAll, 60_000)
      })

      if (version === NEWEST)
        it('writes headers, which formats from before 0.11 cannot carry', async () => {
          const parsed = ['--property', 'parse.headers=true', '--property', 'headers.delimiter=|']
          await tools.produce('headers', { input: 'a:1,b:2|key:value\n' }, ...KEYED, ...parsed)
          const printed = ['print.headers=true', 'print.key=true'].flatMap((property) => tools.formatted(property))
          const { stdout } = await tools.consume('headers', ['--max-messages', '1', ...printed])
          expect(stdout).to.equal('a:1,b:2\tkey\tvalue\n')
          written.set('headers', 'key:value\n')
        })
    })
  }

  describe('what all of them wrote, in every codec that they have,', () => {
    for (const [version, { codecs }] of Object.entries(AGES)) {
      withToolsOf(version, () => {
        const common = ['all', 'headers', ...(codecs.includes('zstd') ? ['all-zstd'] : [])]
        it('is read', async () => {
          for (const topic of common) {
            const expected = written.get(topic)!
            expect(await read(topic, expected.split('\n').length - 1), topic).to.equal(expected)
          }
        })
      })
    }
  })
})

/** Lines with a key and a value, in the form that a consumer also prints. */
function keyedLines(what: string, count: number): string {
  return Array.from(
    { length: count },
    (_, index) => `key-${index % 7}:${what} ${index} ${'x'.repeat(index % 90)}\n`,
  ).join('')
}
