import { createServer, type Server } from 'node:net'
import { expect } from 'chai'
import { type RunningBroker, startBroker } from '../../src/embedded/index.ts'
import { TestClient } from '../../src/zookeeper/test-client.fixture.ts'
import { dialPort } from './apache-zookeeper.ts'

describe('a broker with zookeeper.connect', function () {
  this.timeout(30_000)
  let broker: RunningBroker | undefined
  let other: Server | undefined
  const warnings: string[] = []
  const logger = { error() {}, warn: (_: object, line: string) => warnings.push(line), info() {}, debug() {} }

  beforeEach(() => {
    warnings.length = 0
  })
  afterEach(async () => {
    await broker?.close()
    broker = undefined
    other?.close()
  })

  async function start(connect: string): Promise<string | undefined> {
    broker = await startBroker({ logger, settings: { 'zookeeper.connect': connect } })
    return broker.zooKeeperConnect
  }

  const portOf = (address: string) => Number(address.split(':')[1])

  it('serves ZooKeeper’s clients, until it stops', async () => {
    const port = portOf((await start('127.0.0.1:0'))!)
    const client = await TestClient.dial(dialPort(port))
    expect((await client.connect())?.sessionId).to.not.equal(0n)
    await broker!.close()
    await client.closed
    const refused = await TestClient.dial(dialPort(port)).catch((error: NodeJS.ErrnoException) => error.code)
    expect(refused).to.equal('ECONNREFUSED')
  })

  it('starts without them if the port is taken', async () => {
    const taken = createServer()
    other = taken
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
    const { port } = taken.address() as { port: number }
    expect(await start(`127.0.0.1:${port}`)).to.equal(undefined)
    expect(warnings).to.deep.equal([
      `ZooKeeper clients are not served at 127.0.0.1:${port} (zookeeper.connect): the port is in use, perhaps by a ZooKeeper`,
    ])
  })

  it('connects to no other machine', async () => {
    expect(await start('zoo1:2181,zoo2:2181')).to.equal(undefined)
    expect(warnings.filter((line) => /names other machines/.test(line))).to.have.lengthOf(1)
  })

  it('is served nowhere without the setting', async () => {
    broker = await startBroker({ logger })
    expect(broker.zooKeeperConnect).to.equal(undefined)
  })
})
