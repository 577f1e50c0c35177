import { join } from 'node:path'
import { expect } from 'chai'
import { type RunningBroker, startBroker } from '../../src/embedded/index.ts'
import { kazooPython } from '../client-cache.ts'
import { needs } from '../requirements.ts'
import { runCommandWell } from '../run-command.ts'
import { ApacheZooKeeper } from './apache-zookeeper.ts'

describe('kazoo', function () {
  this.timeout(300_000)
  needs('python', 'java', 'maven')

  let apache: ApacheZooKeeper | undefined
  let broker: RunningBroker | undefined

  after(async () => {
    await broker?.close()
    await apache?.stop()
  })

  it('sees the same at Apache ZooKeeper and at a broker', async () => {
    apache = await ApacheZooKeeper.start()
    broker = await startBroker({ settings: { 'zookeeper.connect': '127.0.0.1:0' } })
    const file = join(import.meta.dirname, 'kazoo_session.py')
    const interpreter = await kazooPython()
    const seenAt = async (hosts: string) =>
      (await runCommandWell([interpreter, file, hosts], { timeoutMs: 120_000 })).stdout.split('\n')
    const theirs = await seenAt(`127.0.0.1:${apache.port}`)
    expect(theirs.length).to.be.above(30)
    expect(await seenAt(broker.zooKeeperConnect!)).to.deep.equal(theirs)
  })
})
