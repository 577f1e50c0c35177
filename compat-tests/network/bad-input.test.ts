import { get } from 'node:http'
import { connect as connectTls } from 'node:tls'
import { expect } from 'chai'
import { ApiVersions } from '../../protocol/apis/api-versions.ts'
import { memoryOf } from '../process-memory.ts'
import { RawClient, requestFrame } from '../raw-client.ts'
import { againstApacheKafka, TestBroker } from '../test-broker.ts'
import { waitFor, within } from '../wait-for.ts'
import { Bystander, NOTHING_SAID } from './bystander.ts'
import { TcpClient } from './tcp-client.ts'

const IDLE_LIMIT_MS = 2_000
const MEGABYTE = 1_048_576

describe('bad input', function () {
  this.timeout(60_000)
  let broker: TestBroker
  let bystander: Bystander
  let clients: TcpClient[] = []

  before(async () => {
    broker = await TestBroker.start()
    bystander = await Bystander.start(broker)
  })
  afterEach(async () => {
    for (const client of clients) client.destroy()
    clients = []
    await bystander.expectUndisturbed()
  })
  after(async () => {
    await bystander?.stop()
    await broker?.dispose()
  })

  const open = async () => {
    const client = await TcpClient.connect(broker.port)
    clients.push(client)
    return client
  }

  /** Lines that the broker logged about one client. Apache Kafka logs fewer and different lines. */
  const linesAbout = (client: TcpClient) =>
    broker.logs
      .split('\n')
      .filter((line) => line.includes(`127.0.0.1:${client.port} `) || line.includes(`:${client.port}:`))

  async function expectOneLine(client: TcpClient, text: RegExp): Promise<void> {
    if (againstApacheKafka) return
    await waitFor('a line about the client', () => linesAbout(client).length > 0)
    await bystander.expectUndisturbed() // whatever else the broker logs is logged by now
    expect(linesAbout(client)).to.have.length(1)
    expect(linesAbout(client)[0]).to.match(text)
  }

  for (const { title, bytes, line } of [
    { title: 'a length of 2 GB', bytes: Buffer.from([0x7f, 0xff, 0xff, 0xff, 0, 18, 0, 0]), line: /2147483647/ },
    { title: 'a length just above the limit', bytes: int32(100 * 1024 * 1024 + 1), line: /104857601/ },
    { title: 'a negative length', bytes: int32(-1), line: /-1/ },
    { title: 'the smallest length there is', bytes: int32(-2147483648), line: /-2147483648/ },
    { title: 'an empty frame', bytes: int32(0), line: /./ },
    { title: 'a frame that ends inside its header', bytes: frame(Buffer.from([0, 18, 0])), line: /./ },
    { title: 'an unknown api key', bytes: request(9999, 0), line: /9999/ },
    { title: 'a negative api key', bytes: request(-1, 0), line: /-1/ },
    { title: 'an unknown version', bytes: request(3, 99, Buffer.from([0])), line: /99/ },
    { title: 'a negative version', bytes: request(3, -1), line: /-1/ },
    { title: 'a body that ends too early', bytes: request(3, 1, Buffer.from([0, 0])), line: /./ },
    { title: 'an array of 2^31-1 elements', bytes: request(3, 1, int32(0x7fffffff)), line: /./ },
    { title: 'an array of a negative number of elements', bytes: request(3, 0, int32(-2)), line: /./ },
    {
      title: 'a string longer than its frame',
      bytes: request(3, 1, Buffer.from([0, 0, 0, 1, 0x7f, 0xff, 65])),
      line: /./,
    },
  ]) {
    it(`${title} closes the connection, with one line in the log`, async () => {
      const client = await open()
      client.write(bytes)
      await within('the broker closes the connection', client.closed)
      expect(client.received).to.have.length(0)
      await expectOneLine(client, line)
    })
  }

  it('random bytes in frames are answered or end the connection', async () => {
    const random = randomBytes(42)
    for (let round = 0; round < 300; round++) {
      const client = await open()
      client.write(frame(random(1 + (round % 120))))
      client.end()
      await within(`round ${round} ends`, client.closed)
      client.destroy()
    }
  })

  it('random bytes behind the header of each api are answered or end the connection', async () => {
    const { apiKeys } = await bystander.apiVersions()
    const random = randomBytes(43)
    for (const { apiKey, minVersion, maxVersion } of apiKeys) {
      for (const version of new Set([minVersion, maxVersion])) {
        const client = await open()
        client.write(request(apiKey, version, random(64)))
        client.end()
        await within(`api ${apiKey} version ${version}: the connection ends`, client.closed)
        client.destroy()
      }
    }
  })

  it('a frame that is cut short by the end of the connection is forgotten', async () => {
    const client = await open()
    client.write(Buffer.concat([int32(1000), Buffer.alloc(100)]))
    client.end()
    await within('the connection ends', client.closed)
  })

  it('a client that vanishes in the midst of a frame leaves nothing behind', async () => {
    const client = await open()
    client.write(Buffer.concat([int32(1000), Buffer.alloc(100)]))
    client.reset()
  })

  it('a request in single bytes is answered like any other', async () => {
    const client = await open()
    for (const byte of requestFrame(ApiVersions, 0, NOTHING_SAID)) {
      client.write(Buffer.of(byte))
      await client.flushed()
    }
    await waitFor('the answer', () => client.received.length > 4)
    expect(client.received.readInt32BE(4)).to.equal(1)
  })

  it('many requests in one packet are all answered, in order', async () => {
    const client = await open()
    const frames = Array.from({ length: 100 }, (_, correlationId) =>
      requestFrame(ApiVersions, 0, NOTHING_SAID, { correlationId, clientId: null }),
    )
    client.write(Buffer.concat(frames))
    const ids = await waitFor('all answers', () => {
      const found = correlationIds(client.received)
      return found.length === 100 && found
    })
    expect(ids).to.deep.equal(frames.map((_, index) => index))
  })

  it('ApiVersions of an unknown version is answered in version 0: UNSUPPORTED_VERSION and what is supported', async () => {
    const client = await open()
    client.write(request(18, 99, Buffer.from([0, 1, 1, 0])))
    await waitFor(
      'the answer',
      () => client.received.length >= 4 && client.received.length >= 4 + client.received.readInt32BE(0),
    )
    expect(client.received.readInt32BE(4), 'correlation id').to.equal(7)
    expect(client.received.readInt16BE(8), 'error code').to.equal(35)
    expect(client.received.readInt32BE(10), 'number of apis').to.equal(1)
    expect(client.received.readInt16BE(14), 'api key').to.equal(18)
    expect(client.received.readInt16BE(16), 'oldest version').to.equal(0)
    expect(client.received.readInt16BE(18), 'newest version').to.be.at.least(4)
    // The connection still works: the client asks again in a version that the broker advertised.
    client.forget()
    client.write(requestFrame(ApiVersions, 3, { clientSoftwareName: 'test', clientSoftwareVersion: '1' }))
    await waitFor('the second answer', () => client.received.length > 10)
    expect(client.received.readInt16BE(8), 'error code').to.equal(0)
  })

  it('TLS on the plaintext port is recognised and told so', async () => {
    const socket = connectTls({ port: broker.port, host: '127.0.0.1', rejectUnauthorized: false })
    const error = await within(
      'the handshake fails',
      new Promise<Error>((resolve) => {
        socket.once('error', resolve)
        socket.once('secureConnect', () => resolve(new Error('it succeeded')))
      }),
    )
    expect(error.message).not.to.equal('it succeeded')
    socket.destroy()
    if (againstApacheKafka) return
    await waitFor('a line that says so', () => /TLS on the plaintext listener/.test(broker.logs))
    expect(broker.logs.match(/TLS on the plaintext listener/g)).to.have.length(1)
  })

  it('HTTP is answered with a few words that people can read', async function () {
    if (againstApacheKafka) this.skip()
    const answer = await new Promise<{ status: number | undefined; text: string }>((resolve, reject) => {
      get({ port: broker.port, host: '127.0.0.1', agent: false }, (response) => {
        let text = ''
        response.on('data', (chunk) => {
          text += chunk
        })
        response.on('end', () => resolve({ status: response.statusCode, text }))
      }).on('error', reject)
    })
    expect(answer.status).to.equal(400)
    expect(answer.text).to.match(/Kafka/).and.have.length.below(500)
    const told = () => broker.logs.match(/HTTP on the plaintext listener/g)?.length === 1
    await waitFor('the log tells of it, once', told)
  })

  it('claims of many huge frames do not take memory', async function () {
    if (againstApacheKafka || process.platform !== 'linux') this.skip()
    const before = memoryOf(broker.pid, 'VmRSS') / MEGABYTE
    const beginning = Buffer.concat([int32(90 * 1024 * 1024), Buffer.alloc(1000)])
    const many = await Promise.all(Array.from({ length: 200 }, open))
    for (const client of many) client.write(beginning)
    await Promise.all(many.map((client) => client.flushed()))
    await bystander.expectUndisturbed()
    expect(memoryOf(broker.pid, 'VmRSS') / MEGABYTE - before).to.be.below(60)
  })

  it('connections that say nothing, or stop in the midst of a frame, are closed in the end', async () => {
    const strict = await TestBroker.start({ settings: { 'connections.max.idle.ms': String(IDLE_LIMIT_MS) } })
    try {
      const [silent, stalled] = [await TcpClient.connect(strict.port), await TcpClient.connect(strict.port)]
      clients.push(silent, stalled)
      stalled.write(Buffer.concat([int32(1000), Buffer.alloc(100)]))
      const busy = await RawClient.connect(strict.port)
      let over = false
      const both = Promise.all([silent.closed, stalled.closed]).finally(() => {
        over = true
      })
      const isServed = waitFor(
        'the idle ones are closed while the busy one is served',
        async () => {
          await busy.send(ApiVersions, 0, NOTHING_SAID)
          return over
        },
        30_000,
      )
      await Promise.all([within('idle connections are closed', both, 30_000), isServed])
      busy.close()
    } finally {
      await strict.dispose()
    }
  })
})

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

function frame(content: Buffer): Buffer {
  return Buffer.concat([int32(content.length), content])
}

/** A request with a version 1 header: key, version, correlation id 7, client id "x". */
function request(apiKey: number, apiVersion: number, body: Buffer = Buffer.alloc(0)): Buffer {
  const header = Buffer.alloc(11)
  header.writeInt16BE(apiKey, 0)
  header.writeInt16BE(apiVersion, 2)
  header.writeInt32BE(7, 4)
  header.writeInt16BE(1, 8)
  header.write('x', 10)
  return frame(Buffer.concat([header, body]))
}

/** Pseudo-random bytes, the same in each run. */
function randomBytes(seed: number): (count: number) => Buffer {
  let state = seed
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state >>> 24
  }
  return (count) => Buffer.from(Array.from({ length: count }, next))
}

/** Correlation ids of the whole frames received. */
function correlationIds(received: Buffer): number[] {
  const ids: number[] = []
  for (let at = 0; at + 4 <= received.length; ) {
    const size = received.readInt32BE(at)
    if (at + 4 + size > received.length) break
    ids.push(received.readInt32BE(at + 4))
    at += 4 + size
  }
  return ids
}
