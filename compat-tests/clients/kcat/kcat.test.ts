import { expect } from 'chai'
import { needs } from '../../requirements.ts'
import { type CommandOptions, runCommand, runCommandWell } from '../../run-command.ts'
import { TestBroker } from '../../test-broker.ts'

const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd']

describe('kcat', function () {
  needs('kcat')
  this.timeout(60_000)
  let broker: TestBroker

  before(async () => {
    broker = await TestBroker.start({ settings: { 'num.partitions': '1' } })
  })
  after(() => broker?.dispose())

  const kcat = async (args: string[], options: CommandOptions = {}) =>
    (await runCommandWell(['kcat', '-b', broker.bootstrap, '-q', ...args], options)).stdout
  const produce = (topic: string, input: string, ...args: string[]) => kcat(['-P', '-t', topic, ...args], { input })
  // kcat knows that it is at the end once a fetch there returns empty, by default after half a second.
  const soon = ['-X', 'fetch.wait.max.ms=20']
  const consume = (topic: string, ...args: string[]) =>
    kcat(['-C', '-t', topic, '-o', 'beginning', '-e', ...soon, ...args])

  for (const codec of CODECS) {
    for (const exactly of ['false', 'true']) {
      it(`writes and reads ${codec}${exactly === 'true' ? ', idempotently' : ''}`, async () => {
        const topic = `kcat-${codec}-${exactly}`
        const text = Array.from({ length: 3000 }, (_, index) => `line ${index} ${'x'.repeat(index % 200)}\n`).join('')
        await produce(topic, text, '-z', codec, '-X', `enable.idempotence=${exactly}`)
        expect(await consume(topic)).to.equal(text)
      })
    }
  }

  it('writes and reads a value of 900 KB of noise in each codec', async () => {
    let state = 1
    const noise = Array.from({ length: 900_000 }, () => {
      state = (state * 1103515245 + 12345) % 2147483648
      return String.fromCharCode(33 + (state % 90))
    }).join('')
    for (const codec of CODECS) {
      await produce(`noise-${codec}`, noise, '-z', codec, '-D', '\\x01')
      expect((await consume(`noise-${codec}`, '-D', '')) === noise, codec).to.equal(true)
    }
  })

  it('keeps keys, headers, nulls and timestamps', async () => {
    const before = Date.now()
    await produce('rich', 'k1:v1\nk2:\n', '-K', ':', '-Z', '-H', 'a=1', '-H', 'b=two')
    const [first, second] = (await consume('rich', '-J'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(first).to.include({ topic: 'rich', partition: 0, offset: 0, key: 'k1', payload: 'v1', tstype: 'create' })
    expect(first.headers).to.deep.equal(['a', '1', 'b', 'two'])
    expect(first.ts).to.be.within(before, Date.now())
    expect(second).to.include({ offset: 1, key: 'k2', payload: null })
  })

  it('lists brokers, topics and partitions', async () => {
    await produce('listed', 'a\n')
    const listed = JSON.parse(await kcat(['-L', '-J']))
    expect(listed.brokers).to.have.length(1)
    expect(listed.brokers[0].name).to.equal(broker.bootstrap)
    const { id } = listed.brokers[0]
    expect(listed.controllerid).to.equal(id)
    const topic = listed.topics.find((one: { topic: string }) => one.topic === 'listed')
    expect(topic.partitions).to.deep.equal([{ partition: 0, leader: id, replicas: [{ id }], isrs: [{ id }] }])
  })

  it('says that a topic is unknown where it must not be made', async () => {
    const result = await runCommand([
      'kcat',
      '-b',
      broker.bootstrap,
      '-C',
      '-t',
      'nobody-made-it',
      '-e',
      '-X',
      'allow.auto.create.topics=false',
    ])
    expect(result.code).to.equal(1)
    expect(result.stderr).to.contain('Unknown topic or partition')
  })

  it('asks for the offset of a time', async () => {
    await produce('timed', 'a\nb\n')
    const { ts } = JSON.parse((await consume('timed', '-J', '-c', '1')).trim())
    expect(await kcat(['-Q', '-t', `timed:0:${ts}`])).to.equal('timed [0] offset 0\n')
    expect(await kcat(['-Q', '-t', `timed:0:${ts + 3_600_000}`])).to.equal('timed [0] offset -1\n')
    expect(await kcat(['-Q', '-t', 'timed:0:-1'])).to.equal('timed [0] offset 2\n')
    expect(await kcat(['-Q', '-t', 'timed:0:-2'])).to.equal('timed [0] offset 0\n')
  })

  it('starts at an offset, before the end, and at a time', async () => {
    await produce('positions', 'a\nb\nc\nd\n')
    const from = (offset: string) => kcat(['-C', '-t', 'positions', '-e', '-o', offset, ...soon])
    expect(await from('2')).to.equal('c\nd\n')
    expect(await from('-1')).to.equal('d\n')
    expect(await from('s@1000')).to.equal('a\nb\nc\nd\n')
  })

  it('consumes as a member of a group, and continues where the group stopped', async () => {
    await produce('grouped', 'a\nb\n')
    const asMember = () => kcat(['-G', 'kcat-group', '-e', '-X', 'auto.offset.reset=earliest', 'grouped'])
    expect(await asMember()).to.equal('a\nb\n')
    await produce('grouped', 'c\n')
    expect(await asMember()).to.equal('c\n')
  })

  it('is refused a record that is too large', async () => {
    const result = await runCommand(
      ['kcat', '-b', broker.bootstrap, '-P', '-t', 'large', '-X', 'message.max.bytes=3000000', '-D', '\\x01'],
      { input: 'x'.repeat(2_000_000) },
    )
    expect(result.stderr).to.contain('Broker: Message size too large')
  })
})
