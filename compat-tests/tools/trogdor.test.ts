import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { freePorts } from '../free-port.ts'
import { runKafkaTool } from '../kafka-tool.ts'
import { needs } from '../requirements.ts'
import { TestBroker } from '../test-broker.ts'
import { waitFor } from '../wait-for.ts'
import { ToolProcess } from './tool-process.ts'

/** Newest on Maven. */
const VERSION = '4.3.1'
const TASK_MS = 90_000
const RECORDS = 500
const node = 'org.apache.kafka.trogdor'

describe('trogdor', function () {
  this.timeout(300_000)
  needs('java', 'maven')
  let folder: string
  let broker: TestBroker
  let coordinatorPort: number
  let running: ToolProcess[] = []

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ottla-trogdor-'))
    const [agent, coordinator] = await freePorts(2)
    coordinatorPort = coordinator!
    const node0 = { hostname: '127.0.0.1', 'trogdor.agent.port': agent, 'trogdor.coordinator.port': coordinator }
    const config = { platform: `${node}.basic.BasicPlatform`, nodes: { node0 } }
    writeFileSync(join(folder, 'trogdor.conf'), JSON.stringify(config))
    broker = await TestBroker.start()
    const args = ['-c', 'trogdor.conf', '-n', 'node0']
    const tools = ['trogdor-agent', 'trogdor-coordinator']
    running = await Promise.all(tools.map((tool) => ToolProcess.start(VERSION, tool, args, folder)))
    await waitFor('the coordinator answers', () => answer('/status'), TASK_MS)
  })
  after(async () => {
    await Promise.all(running.map((each) => each.stop('SIGKILL')))
    await broker?.dispose()
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
  })

  async function answer(path: string): Promise<Record<string, unknown>> {
    for (const each of running) each.expectAlive()
    const response = await fetch(`http://127.0.0.1:${coordinatorPort}/coordinator${path}`)
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
    return (await response.json()) as Record<string, unknown>
  }

  /** State of the task once it has ended. */
  async function done(id: string, spec: object): Promise<Record<string, unknown>> {
    const workload = { durationMs: TASK_MS, bootstrapServers: broker.bootstrap, maxMessages: RECORDS, ...spec }
    writeFileSync(join(folder, `${id}.json`), JSON.stringify({ startMs: 0, targetMessagesPerSec: 1000, ...workload }))
    const target = ['--target', `127.0.0.1:${coordinatorPort}`]
    const create = ['createTask', ...target, '--id', id, '--spec', join(folder, `${id}.json`)]
    const { code, stdout, stderr } = await runKafkaTool(VERSION, 'trogdor-client', create)
    expect([code, stdout], stderr).to.deep.equal([0, `Sent CreateTaskRequest for task ${id}.\n`])
    const state = () => answer(`/tasks/${id}`)
    return waitFor(`${id} ends`, async () => ((await state()).state === 'DONE' ? state() : undefined), TASK_MS)
  }

  // Not ConsumeBench, too: it only looks once a minute whether it is done.
  it('produces to Ottla, and consumes what it has produced', async () => {
    const produced = await done('produce', {
      class: `${node}.workload.ProduceBenchSpec`,
      producerNode: 'node0',
      activeTopics: { 'foo[1-3]': { numPartitions: 2, replicationFactor: 1 } },
    })
    expectFine(produced)
    expect(produced.status).to.include({ totalSent: RECORDS })
    const returned = await done('return', {
      class: `${node}.workload.RoundTripWorkloadSpec`,
      clientNode: 'node0',
      valueGenerator: { type: 'sequential', size: 100 },
      activeTopics: { round: { numPartitions: 2, replicationFactor: 1 } },
    })
    expectFine(returned)
    expect(returned.status).to.deep.equal({ totalUniqueSent: RECORDS, totalReceived: RECORDS })
  })
})

/** Trogdor leaves out an error that is empty. */
function expectFine({ error, cancelled }: Record<string, unknown>): void {
  expect([error, cancelled]).to.deep.equal([undefined, false])
}
