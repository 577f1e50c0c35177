import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { StartError, startBroker } from './index.ts'

/** Whether a server listens on the port. */
function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

async function refusal(start: Promise<unknown>): Promise<string> {
  try {
    await start
  } catch (error) {
    if (error instanceof StartError) return error.message
    throw error
  }
  throw new Error('it started')
}

describe('a broker inside this process', () => {
  it('listens on a free port of its own, and is gone with its data when closed', async () => {
    const broker = await startBroker()
    expect(broker.bootstrapServers).to.equal(`127.0.0.1:${broker.port}`)
    expect(await isListening(broker.port)).to.equal(true)
    await broker.close()
    await broker.close()
    expect(await isListening(broker.port)).to.equal(false)
    expect(existsSync(broker.dataDirectory)).to.equal(false)
  })

  it('leaves a directory alone that it was given, and may be started there again', async () => {
    const dataDirectory = mkdtempSync(join(tmpdir(), 'ottla-test-'))
    try {
      for (let start = 0; start < 2; start++) await (await startBroker({ dataDirectory })).close()
      expect(existsSync(join(dataDirectory, 'meta.properties'))).to.equal(true)
    } finally {
      rmSync(dataDirectory, { recursive: true })
    }
  })

  it('says in one line why it cannot start', async () => {
    const broker = await startBroker()
    const { dataDirectory, port } = broker
    expect(await refusal(startBroker({ dataDirectory }))).to.contain(`${dataDirectory} is in use`)
    expect(await refusal(startBroker({ port }))).to.contain('the port is in use')
    expect(await refusal(startBroker({ settings: { 'num.partitions': 'many' } }))).to.contain('num.partitions')
    await broker.close()
  })

  it('warns about a setting that it does not know', async () => {
    const warnings: string[] = []
    const logger = { error() {}, warn: (_: object, message: string) => warnings.push(message), info() {}, debug() {} }
    const broker = await startBroker({ logger, settings: { 'no.such.setting': 1 } })
    await broker.close()
    expect(warnings).to.deep.equal(['unknown setting no.such.setting is ignored'])
  })
})
