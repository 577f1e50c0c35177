import { createServer, type Server } from 'node:net'
import { networkInterfaces } from 'node:os'
import { expect } from 'chai'
import { againstApacheKafka } from '../test-broker.ts'
import { canConnect, expectOneLine, refused, StartRig } from './start-rig.ts'

const loopbacks = Object.values(networkInterfaces())
  .flatMap((addresses) => addresses ?? [])
  .map(({ address }) => address)
  .filter((address) => address === '127.0.0.1' || address === '::1')

describe('listeners', function () {
  this.timeout(60_000)
  let rig: StartRig
  let others: Server[]

  before(function () {
    if (againstApacheKafka) this.skip()
  })
  beforeEach(async () => {
    rig = await StartRig.make()
    others = []
  })
  afterEach(async () => {
    for (const other of others) other.close()
    await rig.end()
  })

  async function occupy(host: string, port: number): Promise<void> {
    const other = createServer()
    others.push(other)
    await new Promise<void>((resolve, reject) => other.once('error', reject).listen(port, host, resolve))
  }

  it('localhost is every loopback address that the machine has', async () => {
    const { stdout } = await rig.runs(rig.startArgs({ listeners: `PLAINTEXT://localhost:${rig.port}` }))
    expect(stdout).to.contain(`listening on localhost:${rig.port}, `)
    for (const address of loopbacks) await canConnect(rig.port, address)
  })

  it('port 0 of localhost is the same port on each address', async () => {
    const { stdout } = await rig.runs(rig.startArgs({ listeners: 'PLAINTEXT://localhost:0' }))
    const port = Number(/listening on localhost:(\d+), /.exec(stdout)![1])
    for (const address of loopbacks) await canConnect(port, address)
  })

  for (const address of loopbacks)
    it(`localhost with its port in use on ${address} ends the start, and listens nowhere`, async () => {
      await occupy(address, rig.port)
      const result = await rig.fails({ listeners: `PLAINTEXT://localhost:${rig.port}` })
      expectOneLine(result)
      expect(result.stderr).to.contain(`localhost:${rig.port}: the port is in use on ${address}`)
      for (const other of loopbacks) if (other !== address) expect(await refused(rig.port, other)).to.equal(true)
    })

  for (const host of ['', '0.0.0.0', '[::]'])
    it(`says that PLAINTEXT://${host}: listens on every interface`, async () => {
      const { stdout } = await rig.runs(rig.startArgs({ listeners: `PLAINTEXT://${host}:${rig.port}` }))
      expect(stdout).to.contain(`listening on port ${rig.port} of every interface, `)
      for (const address of loopbacks) await canConnect(rig.port, address)
    })
})
