import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { kafkaToolCommand } from '../../scripts/kafka-tool.ts'
import { opCodes } from '../../src/zookeeper/op-codes.ts'
import { bodies, TestClient } from '../../src/zookeeper/test-client.fixture.ts'
import { runKafkaTool } from '../kafka-tool.ts'
import { needs } from '../requirements.ts'
import { TestBroker } from '../test-broker.ts'
import { waitFor } from '../wait-for.ts'
import { dialPort } from '../zookeeper/apache-zookeeper.ts'
import { addressed, ottlaWithZooKeeper } from './two-brokers.ts'

const VERSION = '0.9.0.1'
const OWNERS = '/consumers/shared/owners/shared'

describe('two consumers of 0.9 in one group', function () {
  needs('java', 'maven')
  this.timeout(180_000)
  let broker: TestBroker
  let folder: string
  let reader: TestClient
  const consumers: ChildProcess[] = []

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ottla-shared-'))
    const settings = ['group.id=shared', 'auto.offset.reset=smallest', 'zookeeper.session.timeout.ms=6000']
    writeFileSync(join(folder, 'consumer.properties'), `${settings.join('\n')}\n`)
    broker = await TestBroker.start({ program: ottlaWithZooKeeper, settings: { 'num.partitions': '2' } })
    await runKafkaTool(VERSION, 'kafka-console-producer', ['--broker-list', broker.bootstrap, '--topic', 'shared'], {
      input: 'a\nb\n',
    })
    reader = await TestClient.dial(dialPort(broker.secondPort))
    await reader.connect()
  })
  after(async () => {
    reader?.close()
    for (const consumer of consumers) {
      if (consumer.exitCode !== null || consumer.signalCode !== null) continue
      const ended = once(consumer, 'exit')
      consumer.kill('SIGKILL')
      await ended
    }
    await broker?.dispose()
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
  })

  async function consume(): Promise<ChildProcess> {
    const config = join(folder, 'consumer.properties')
    const args = ['--zookeeper', addressed(broker).zookeeper, '--topic', 'shared', '--consumer.config', config]
    const [file, ...rest] = await kafkaToolCommand(VERSION, 'kafka-console-consumer', args)
    const consumer = spawn(file!, rest, { stdio: 'ignore' })
    consumers.push(consumer)
    return consumer
  }

  /** Owners of the two partitions, without the number of the stream. */
  async function owners(): Promise<string[]> {
    const found: string[] = []
    for (const partition of [0, 1]) {
      const { error, body } = await reader.call(opCodes.getData, bodies.pathAndWatch(`${OWNERS}/${partition}`))
      if (error === 'OK') found.push(body.string()!)
    }
    return found
  }

  it('share the partitions, and one takes over from the other that is killed', async () => {
    const first = await consume()
    const [alone] = await waitFor('the first owns both', async () => await bothOwnedBy(1), 60_000)
    const second = await consume()
    const shared = await waitFor('each owns one', async () => await bothOwnedBy(2), 60_000)
    expect(shared).to.include(alone)
    first.kill('SIGKILL')
    await once(first, 'exit')
    const [left] = await waitFor('the second owns both', async () => await bothOwnedBy(1, alone), 60_000)
    expect(shared).to.include(left)
    expect(second.exitCode).to.equal(null)
  })

  /** The owners, if both partitions have one, there are that many, and the one that is gone is not among them. */
  async function bothOwnedBy(count: number, gone?: string): Promise<string[] | undefined> {
    const found = await owners()
    const names = [...new Set(found)]
    return found.length === 2 && names.length === count && !names.includes(gone ?? '') ? names : undefined
  }
})
