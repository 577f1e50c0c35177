import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { ToolRunner } from '../console-tools/tool-runner.ts'
import { needs } from '../requirements.ts'
import { TestBroker } from '../test-broker.ts'
import { waitFor } from '../wait-for.ts'
import { addressed, ottlaWithZooKeeper } from './two-brokers.ts'

const THROTTLE_REMOVED = /Throttle was removed|Clearing broker-level throttles/

for (const version of ['1.1.1', '2.8.2'])
  describe(`replicas and leaders moved with --zookeeper ${version} among three brokers`, function () {
    needs('java', 'maven')
    this.timeout(120_000)
    let brokers: TestBroker
    let runner: ToolRunner
    let file: string
    let folder: string

    before(async () => {
      folder = mkdtempSync(join(tmpdir(), 'ottla-moved-'))
      file = join(folder, 'wish.json')
      brokers = await TestBroker.start({ program: ottlaWithZooKeeper, settings: { 'num.brokers': '3' } })
      runner = await ToolRunner.start(version)
      await run('kafka-topics', '--create', '--topic', 't', '--replica-assignment', '1:2,2:3,3:1')
    })
    after(async () => {
      await runner?.close()
      await brokers?.dispose()
      if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
    })

    async function run(tool: string, ...args: string[]): Promise<string> {
      const { code, stdout, stderr } = await runner.run(tool, ['--zookeeper', addressed(brokers).zookeeper, ...args])
      expect(code, stdout + stderr).to.equal(0)
      return stdout
    }

    /** Of each partition: `leader of replicas`. */
    async function placed(): Promise<string[]> {
      const described = await run('kafka-topics', '--describe', '--topic', 't')
      return [...described.matchAll(/Leader: (\d+)\s+Replicas: ([\d,]+)/g)].map(
        ([, leader, replicas]) => `${leader} of ${replicas}`,
      )
    }

    function wish(...replicas: number[][]): void {
      const partitions = replicas.map((each, partition) => ({ topic: 't', partition, replicas: each }))
      writeFileSync(file, JSON.stringify({ version: 1, partitions }))
    }

    const reassign = (...args: string[]) => run('kafka-reassign-partitions', '--reassignment-json-file', file, ...args)

    it('kafka-reassign-partitions moves them, and removes its throttle once that is done', async () => {
      expect(await placed()).to.deep.equal(['1 of 1,2', '2 of 2,3', '3 of 3,1'])
      wish([3, 2], [3, 2], [1])
      await reassign('--execute', '--throttle', '1000000')
      await waitFor('it is done', async () => THROTTLE_REMOVED.test(await reassign('--verify')))
      expect(await reassign('--verify')).not.to.match(/fail|progress/)
      expect(await placed()).to.deep.equal(['3 of 3,2', '2 of 3,2', '1 of 1'])
      expect(await run('kafka-configs', '--describe', '--entity-type', 'brokers')).not.to.contain('throttled')
    })

    it('kafka-preferred-replica-election makes the first of them leaders', async () => {
      await run('kafka-preferred-replica-election')
      expect(await placed()).to.deep.equal(['3 of 3,2', '3 of 3,2', '1 of 1'])
    })
  })
