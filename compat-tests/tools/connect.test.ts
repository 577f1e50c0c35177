import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { freePort } from '../free-port.ts'
import { needs } from '../requirements.ts'
import { TestBroker } from '../test-broker.ts'
import { waitFor } from '../wait-for.ts'
import { propertiesText, ToolProcess } from './tool-process.ts'

const START_MS = 120_000
const CONVERTERS = {
  'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
  'value.converter': 'org.apache.kafka.connect.storage.StringConverter',
}

for (const version of ['4.3.1', '2.8.2']) {
  describe(`Kafka Connect ${version} with the file connectors`, function () {
    this.timeout(300_000)
    needs('java', 'maven')
    let broker: TestBroker
    let folder: string
    let rest: number
    let worker: ToolProcess | undefined

    before(async () => {
      folder = mkdtempSync(join(tmpdir(), 'ottla-connect-'))
      rest = await freePort()
      broker = await TestBroker.start()
    })
    after(async () => {
      await worker?.stop('SIGKILL')
      await broker?.dispose()
      if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
    })

    const file = (name: string) => join(folder, name)
    const text = (name: string) => (existsSync(file(name)) ? readFileSync(file(name), 'utf8') : '')

    const source = (name: string): Record<string, string> => ({
      'connector.class': 'FileStreamSource',
      'tasks.max': '1',
      file: file(`${name}.txt`),
      topic: name,
    })
    const sink = (name: string): Record<string, string> => ({
      'connector.class': 'FileStreamSink',
      'tasks.max': '1',
      file: file(`${name}.sink.txt`),
      topics: name,
    })

    async function start(tool: string, ...files: string[]): Promise<void> {
      worker = await ToolProcess.start(version, tool, files, folder)
      const isUp = async () => {
        worker?.expectAlive()
        return (await fetch(`http://127.0.0.1:${rest}/connectors`)).ok
      }
      await waitFor('the worker answers', isUp, START_MS)
    }

    async function ask(method: string, path: string, body?: unknown): Promise<unknown> {
      const headers = { 'content-type': 'application/json' }
      const answer = await fetch(`http://127.0.0.1:${rest}${path}`, { method, headers, body: JSON.stringify(body) })
      const content = await answer.text()
      if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${content}`)
      return content === '' ? undefined : JSON.parse(content)
    }

    const written = (name: string, expected: string) =>
      waitFor(`${name} has all lines`, () => text(name).length >= expected.length, START_MS).then(() =>
        expect(text(name)).to.equal(expected),
      )

    const listeners = (): Record<string, string> =>
      version.startsWith('2.')
        ? { 'rest.port': `${rest}`, 'rest.host.name': '127.0.0.1' }
        : { listeners: `http://127.0.0.1:${rest}` }

    it('copies lines in a standalone worker, and goes on from its offset file', async () => {
      const common = { 'bootstrap.servers': broker.bootstrap, ...listeners(), ...CONVERTERS }
      const offsets = { 'offset.storage.file.filename': file('offsets'), 'offset.flush.interval.ms': '500' }
      writeFileSync(file('worker.properties'), propertiesText({ ...common, ...offsets }))
      writeFileSync(file('source.properties'), propertiesText({ name: 'in', ...source('alone') }))
      writeFileSync(file('sink.properties'), propertiesText({ name: 'out', ...sink('alone') }))
      writeFileSync(file('alone.txt'), 'one\ntwo\n')
      await start('connect-standalone', 'worker.properties', 'source.properties', 'sink.properties')
      await written('alone.sink.txt', 'one\ntwo\n')
      await worker?.stop()
      appendFileSync(file('alone.txt'), 'three\n')
      await start('connect-standalone', 'worker.properties', 'source.properties', 'sink.properties')
      await written('alone.sink.txt', 'one\ntwo\nthree\n')
      await worker?.stop()
    })

    it('copies lines in a distributed worker, whose connectors and offsets survive it', async () => {
      const common = { 'bootstrap.servers': broker.bootstrap, ...listeners(), ...CONVERTERS }
      const topics = ['config', 'offset', 'status'].flatMap((each) => [
        [`${each}.storage.topic`, `connect-${each}s`],
        [`${each}.storage.replication.factor`, '1'],
      ])
      const own = { 'group.id': 'connect', 'offset.flush.interval.ms': '500', 'scheduled.rebalance.max.delay.ms': '0' }
      writeFileSync(
        file('distributed.properties'),
        propertiesText({ ...common, ...own, ...Object.fromEntries(topics) }),
      )
      writeFileSync(file('shared.txt'), 'one\ntwo\n')
      await start('connect-distributed', 'distributed.properties')
      await waitFor('it takes connectors', () => ask('PUT', '/connectors/in/config', source('shared')), START_MS)
      await ask('PUT', '/connectors/out/config', sink('shared'))
      await written('shared.sink.txt', 'one\ntwo\n')
      await worker?.stop()
      appendFileSync(file('shared.txt'), 'three\n')
      await start('connect-distributed', 'distributed.properties')
      await written('shared.sink.txt', 'one\ntwo\nthree\n')
      expect(await ask('GET', '/connectors')).to.have.members(['in', 'out'])
      const { connector, tasks } = (await ask('GET', '/connectors/in/status')) as {
        connector: { state: string }
        tasks: { state: string }[]
      }
      expect([connector.state, ...tasks.map(({ state }) => state)]).to.deep.equal(['RUNNING', 'RUNNING'])
      if (!version.startsWith('2.')) {
        const position = async () => {
          const { offsets } = (await ask('GET', '/connectors/in/offsets')) as {
            offsets: { offset: { position: number } }[]
          }
          return offsets[0]?.offset.position === text('shared.txt').length
        }
        await waitFor('the offset is stored', position)
      }
      await ask('DELETE', '/connectors/in')
      await waitFor('it is gone', async () => !((await ask('GET', '/connectors')) as string[]).includes('in'))
      await worker?.stop()
    })
  })
}
