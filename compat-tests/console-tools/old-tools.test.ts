import { expect } from 'chai'
import { needs } from '../requirements.ts'
import { TestBroker } from '../test-broker.ts'
import { ConsoleTools } from './stock-tools.ts'

/** One of each age: before record batches, with headers but Zookeeper, the last before Kafka 4. */
const VERSIONS: Readonly<Record<string, readonly string[]>> = {
  '0.9.0.1': ['gzip', 'snappy', 'lz4'],
  '0.10.2.2': ['gzip', 'snappy', 'lz4'],
  '1.1.1': ['gzip', 'snappy', 'lz4'],
  '3.9.1': ['gzip', 'snappy', 'lz4', 'zstd'],
}
const NEWEST = '4.3.1'

describe('console tools of all ages', function () {
  needs('java', 'maven')
  this.timeout(300_000)
  let broker: TestBroker

  before(async () => {
    broker = await TestBroker.start()
  })
  after(() => broker?.dispose())

  for (const [version, codecs] of Object.entries(VERSIONS)) {
    describe(`Apache Kafka ${version}`, () => {
      const text = (what: string) =>
        Array.from({ length: 200 }, (_, index) => `${what} ${index} ${'x'.repeat(index % 90)}\n`).join('')
      const tools = (which = version) => new ConsoleTools(which, broker.bootstrap)
      const read = async (which: string, topic: string) =>
        // The consoles of 0.9 and 0.10 read through Zookeeper unless they are told otherwise.
        (
          await tools(which).consume(topic, [
            '--max-messages',
            '200',
            ...(/^0\./.test(which) ? ['--new-consumer'] : []),
          ])
        ).stdout

      it('writes and reads, and the newest reads what it wrote', async () => {
        const topic = `old-none-${version}`
        await tools().produce(topic, { input: text('none') })
        expect(await read(version, topic)).to.equal(text('none'))
        expect(await read(NEWEST, topic)).to.equal(text('none'))
      })

      for (const codec of codecs) {
        it(`writes and reads ${codec}`, async () => {
          const topic = `old-${codec}-${version}`
          await tools().produce(topic, { input: text(codec) }, '--compression-codec', codec)
          expect(await read(version, topic)).to.equal(text(codec))
          expect(await read(NEWEST, topic)).to.equal(text(codec))
        })
      }

      it('reads what the newest wrote', async () => {
        const topic = `new-to-${version}`
        await tools(NEWEST).produce(topic, { input: text('new') }, '--compression-codec', 'lz4')
        expect(await read(version, topic)).to.equal(text('new'))
      })
    })
  }
})
