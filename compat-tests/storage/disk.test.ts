import { closeSync, openSync, readdirSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { ottla } from '../broker-program.ts'
import { runCommandWell } from '../run-command.ts'
import { TestBroker } from '../test-broker.ts'
import { waitFor } from '../wait-for.ts'
import { TopicClient } from './topic-client.ts'

const VALUE = 'x'.repeat(100_000)
const RECORDS = 40

/** A value that contains its index. */
const valueAt = (i: number) => `${i} ${VALUE}`

describe('the disk of a broker', function () {
  this.timeout(120_000)
  let broker: TestBroker
  let client: TopicClient

  beforeEach(async () => {
    broker = await TestBroker.start({ program: ottla, settings: { 'log.segment.bytes': '1048576' } })
    client = await TopicClient.connect(broker.port)
    for (const topic of ['a', 'b']) await client.create(topic)
  })
  afterEach(async () => {
    client?.close()
    await broker?.dispose()
  })

  async function again(end: 'stop' | 'kill9'): Promise<void> {
    client.close()
    await broker[end]()
    await broker.restart()
    client = await TopicClient.connect(broker.port)
  }

  /** Expects exactly the first `count` records of a topic. */
  async function expectRecords(topic: string, count: number): Promise<void> {
    const found: { offset: number; value: string }[] = []
    for (let at = 0; at < count; at = found.length) {
      const { error, records } = await client.fetch(topic, at)
      expect(error).to.equal('NONE')
      expect(records.length).to.be.greaterThan(0)
      found.push(...records)
    }
    const expected = Array.from({ length: count }, (_, offset) => ({ offset, value: valueAt(offset) }))
    expect(found.map(({ offset }) => offset)).to.deep.equal(expected.map(({ offset }) => offset))
    expect(found.every(({ value }, i) => value === expected[i]!.value)).to.equal(true)
  }

  it('lets files grow no further: records are refused, reads go on, and all is well once they may', async function () {
    // A process limit instead of a full disk: it causes the same short write and then the same error.
    if (process.platform !== 'linux') this.skip()
    const limit = (bytes: string) => runCommandWell(['prlimit', '--pid', `${broker.pid}`, `--fsize=${bytes}:unlimited`])
    for (let i = 0; i < 3; i++) await client.produce('a', [{ value: valueAt(i) }])
    await client.produce('b', [{ value: valueAt(0) }])
    await limit('350000')
    expect((await client.produce('a', [{ value: valueAt(3) }])).error).to.equal('KAFKA_STORAGE_ERROR')
    expect((await client.produce('a', [{ value: valueAt(3) }])).error).to.equal('KAFKA_STORAGE_ERROR')
    expect(await client.produce('b', [{ value: valueAt(1) }])).to.include({ error: 'NONE', baseOffset: 1 })
    await expectRecords('a', 3)
    await expectRecords('b', 2)
    await limit('unlimited')
    await waitFor('there is room again', async () => {
      const { error, baseOffset } = await client.produce('a', [{ value: valueAt(3) }])
      return error === 'NONE' && baseOffset === 3
    })
    await again('kill9')
    await expectRecords('a', 4)
    expect(broker.logs).to.match(/error.*the disk is full/)
  })

  function segments(topic: string): string[] {
    const directory = join(broker.dataDir, `${topic}-0`)
    const names = readdirSync(directory).filter((name) => name.endsWith('.log'))
    return names.sort().map((name) => join(directory, name))
  }

  async function fill(): Promise<void> {
    for (let i = 0; i < RECORDS; i++) {
      for (const topic of ['a', 'b']) await client.produce(topic, [{ value: valueAt(i) }])
    }
    expect(segments('a').length).to.be.greaterThan(3)
  }

  function overwrite(file: string, position: number, bytes: Buffer): void {
    const handle = openSync(file, 'r+')
    writeSync(handle, bytes, 0, bytes.length, position)
    closeSync(handle)
  }

  /** Size of the single-record batches of these tests. */
  const batchBytes = (file: string) => statSync(file).size / 10

  it('has rotted in the middle of a log: that is told with file and position, and all else is served', async () => {
    await fill()
    await again('stop')
    const rotten = segments('a')[1]!
    const first = Number.parseInt(rotten.split('/').at(-1)!, 10)
    const position = batchBytes(rotten) * 3
    // Magic byte of the fourth batch.
    overwrite(rotten, position + 16, Buffer.from([0x55]))
    await expectRecords('b', RECORDS)
    const before = await client.fetch('a', first)
    expect(before.error).to.equal('NONE')
    expect(before.records.map(({ offset }) => offset)).to.deep.equal([first, first + 1, first + 2])
    expect((await client.fetch('a', first + 3)).error).to.equal('CORRUPT_MESSAGE')
    const line = await waitFor('it is told', () => /error.*a log file is damaged.*/.exec(broker.logs)?.[0])
    expect(line)
      .to.include(rotten)
      .and.include(`position ${position}`)
      .and.include(`offset ${first + 3}`)
    const behind = await client.fetch('a', first + 10)
    expect(behind.records[0]).to.deep.equal({ offset: first + 10, value: valueAt(first + 10) })
    expect(await client.produce('a', [{ value: valueAt(RECORDS) }])).to.include({ error: 'NONE', baseOffset: RECORDS })
  })

  it('has rotted within a record: its checksum no longer fits, so that no client takes it for what was sent', async () => {
    await fill()
    await again('stop')
    const rotten = segments('a')[1]!
    const first = Number.parseInt(rotten.split('/').at(-1)!, 10)
    overwrite(rotten, batchBytes(rotten) * 3 + 500, Buffer.from([0x55]))
    const failure = await client.fetch('a', first + 3).catch((error: Error) => error)
    expect(String(failure)).to.include(`the batch at ${first + 3} has a wrong checksum`)
    await expectRecords('b', RECORDS)
  })

  it('has rotted while the broker was down: recovery truncates the log there, logs it, and leaves the others whole', async () => {
    await fill()
    const rotten = segments('a')[1]!
    const first = Number.parseInt(rotten.split('/').at(-1)!, 10)
    const position = batchBytes(rotten) * 3
    client.close()
    await broker.kill9()
    overwrite(rotten, position + 500, Buffer.from([0x55]))
    await broker.restart()
    client = await TopicClient.connect(broker.port)
    const line = /warn.*recovery truncated the log.*/.exec(broker.logs)?.[0]
    expect(line).to.include(rotten).and.include(`${position}`)
    expect(await client.offsetAt('a', -1)).to.include({ offset: first + 3 })
    await expectRecords('a', first + 3)
    await expectRecords('b', RECORDS)
    expect(await client.produce('a', [{ value: valueAt(first + 3) }])).to.include({
      error: 'NONE',
      baseOffset: first + 3,
    })
    await expectRecords('a', first + 4)
  })
})
