import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { kafkaToolCommand } from '../../scripts/kafka-tool.ts'
import { opCodes } from '../../src/zookeeper/op-codes.ts'
import { bodies, TestClient } from '../../src/zookeeper/test-client.fixture.ts'
import { PATIENT_PRODUCER } from '../console-tools/stock-tools.ts'
import { runKafkaTool } from '../kafka-tool.ts'
import { needs } from '../requirements.ts'
import { TestBroker } from '../test-broker.ts'
import { waitFor } from '../wait-for.ts'
import { dialPort } from '../zookeeper/apache-zookeeper.ts'
import { addressed, ottlaWithZooKeeper } from './two-brokers.ts'

/** Versions whose console consumer asks ZooKeeper unless it is told otherwise. */
const VERSIONS = ['0.9.0.1', '0.10.2.2']

describe('two consumers with --zookeeper in one group', function () {
  needs('java', 'maven')
  this.timeout(180_000)
  let broker: TestBroker
  let folder: string
  let reader: TestClient
  const consumers: ChildProcess[] = []

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ottla-shared-'))
    for (const version of VERSIONS) {
      const settings = [
        `group.id=${version}`,
        'auto.offset.reset=smallest',
        'zookeeper.session.timeout.ms=6000',
        'rebalance.max.retries=30',
      ]
      writeFileSync(join(folder, version), `${settings.join('\n')}\n`)
    }
    broker = await TestBroker.start({ program: ottlaWithZooKeeper, settings: { 'num.partitions': '2' } })
    const producer = ['--broker-list', broker.bootstrap, '--topic', 'shared', ...PATIENT_PRODUCER]
    await runKafkaTool(VERSIONS[0]!, 'kafka-console-producer', producer, { input: 'a\nb\n' })
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

  async function consume(version: string): Promise<ChildProcess> {
    const config = join(folder, version)
    const args = ['--zookeeper', addressed(broker).zookeeper, '--topic', 'shared', '--consumer.config', config]
    const [file, ...rest] = await kafkaToolCommand(version, 'kafka-console-consumer', args)
    const consumer = spawn(file!, rest, { stdio: 'ignore' })
    consumers.push(consumer)
    return consumer
  }

  /** Owners of the two partitions, without the number of the stream. */
  async function owners(group: string): Promise<string[]> {
    const found: string[] = []
    for (const partition of [0, 1]) {
      const path = `/consumers/${group}/owners/shared/${partition}`
      const { error, body } = await reader.call(opCodes.getData, bodies.pathAndWatch(path))
      if (error === 'OK') found.push(body.string()!)
    }
    return found
  }

  for (const version of VERSIONS)
    it(`share the partitions, and one takes over from the other that is killed: ${version}`, async () => {
      const first = await consume(version)
      const [alone] = await waitFor('the first owns both', () => bothOwnedBy(version, 1), 60_000)
      const second = await consume(version)
      const shared = await waitFor('each owns one', () => bothOwnedBy(version, 2), 60_000)
      expect(shared).to.include(alone)
      first.kill('SIGKILL')
      await once(first, 'exit')
      const [left] = await waitFor('the second owns both', () => bothOwnedBy(version, 1, alone), 60_000)
      expect(shared).to.include(left)
      expect(second.exitCode).to.equal(null)
      second.kill('SIGKILL')
      await once(second, 'exit')
    })

  /** The owners, if both partitions have one, there are that many, and the one that is gone is not among them. */
  async function bothOwnedBy(group: string, count: number, gone?: string): Promise<string[] | undefined> {
    const found = await owners(group)
    const names = [...new Set(found)]
    return found.length === 2 && names.length === count && !names.includes(gone ?? '') ? names : undefined
  }
})
