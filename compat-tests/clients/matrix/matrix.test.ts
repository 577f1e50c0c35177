import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { needs } from '../../requirements.ts'
import { runCommandWell } from '../../run-command.ts'
import { TestBroker } from '../../test-broker.ts'
import { type MatrixClient, matrixClients, workingDirectory } from './matrix-client.ts'

const COUNT = 300

describe('clients of many languages', function () {
  this.timeout(120_000)
  let broker: TestBroker
  const commands = new Map<MatrixClient, string[]>()
  /** Number of clients that wrote to each shared topic. */
  const writers = new Map<string, number>()

  before(async () => {
    broker = await TestBroker.start()
  })
  after(() => broker?.dispose())

  /** One topic for all clients, unless some client cannot read what this one writes. */
  function commonTopic(writer: MatrixClient, codec: string): string {
    return matrixClients.some((reader) => !canRead(reader, writer.name, codec))
      ? `common-${codec}-${writer.name}`
      : `common-${codec}`
  }

  function isReadableBy(reader: MatrixClient, topic: string): boolean {
    const { codec, writer } = /^common-(?<codec>\w+)(-(?<writer>.+))?$/.exec(topic)!.groups!
    return reader.codecs.includes(codec!) && canRead(reader, writer, codec!)
  }

  async function ask(client: MatrixClient, verb: string, ...args: string[]): Promise<string> {
    const options = { cwd: workingDirectory(client), timeoutMs: 60_000 }
    return (await runCommandWell([...commands.get(client)!, verb, broker.bootstrap, ...args], options)).stdout
  }

  /** Numbers of the records that the client read; expects each record to be unchanged. */
  async function indices(client: MatrixClient, topic: string, count: number, group: string): Promise<number[]> {
    const lines = (await ask(client, 'consume', topic, group, String(count))).trim().split('\n')
    return lines.map((line) => {
      const { key, value, index } = JSON.parse(line)
      expect(key).to.equal(`key-${index}`)
      expect(value).to.equal(`${index}:${'x'.repeat(index % 100)}`)
      return Number(index)
    })
  }

  for (const client of matrixClients) {
    describe(client.name, () => {
      needs(...client.requirements)
      before(async function () {
        this.timeout(600_000)
        commands.set(client, await client.command())
      })

      for (const codec of client.codecs) {
        it(`writes and reads ${codec}`, async () => {
          const topic = `${client.name}-${codec}`
          await ask(client, 'produce', topic, codec, String(COUNT))
          const read = await indices(client, topic, COUNT, randomUUID())
          expect(read).to.deep.equal(Array.from({ length: COUNT }, (_, index) => index))
          const common = commonTopic(client, codec)
          await ask(client, 'produce', common, codec, String(COUNT))
          writers.set(common, (writers.get(common) ?? 0) + 1)
        })
      }

      it('continues as a group where it stopped', async () => {
        const [topic, group] = [`${client.name}-none`, `${client.name}-group`]
        await indices(client, topic, COUNT, group)
        await ask(client, 'produce', topic, 'none', '5')
        expect(await indices(client, topic, 5, group)).to.deep.equal([0, 1, 2, 3, 4])
      })

      it('makes, describes, deletes and lists topics', async () => {
        const found = JSON.parse(await ask(client, 'admin', `${client.name}-admin`))
        expect(found).to.include({ partitions: 3, listed: false })
      })
    })
  }

  describe('what all of them wrote, in every codec that it has,', () => {
    for (const client of matrixClients) {
      it(`is read by ${client.name}`, async function () {
        if (!commands.has(client)) this.skip()
        for (const [topic, count] of writers) {
          if (!isReadableBy(client, topic)) continue
          const read = await indices(client, topic, count * COUNT, randomUUID())
          const expected = Array.from({ length: count * COUNT }, (_, index) => Math.floor(index / count))
          expect(
            read.toSorted((a, b) => a - b),
            topic,
          ).to.deep.equal(expected)
        }
      })
    }
  })
})

/** Whether a reader that knows the codec can read this writer's use of it. */
function canRead({ cannotRead }: MatrixClient, writer: string | undefined, codec: string): boolean {
  return cannotRead?.writer !== writer || cannotRead?.codec !== codec
}
