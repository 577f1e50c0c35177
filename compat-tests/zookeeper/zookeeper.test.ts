import { expect } from 'chai'
import { TcpTransport } from '../../src/network/tcp-transport.ts'
import { silentLogger } from '../../src/observe/logger.ts'
import { ZooKeeperEndpoint } from '../../src/zookeeper/endpoint.ts'
import { MemoryNodeStore } from '../../src/zookeeper/memory-node-store.fixture.ts'
import type { Dial } from '../../src/zookeeper/test-client.fixture.ts'
import { nodeHost } from '../../storage/host/node-host.ts'
import { needs } from '../requirements.ts'
import { accessScenarios } from './access-scenarios.ts'
import { ApacheZooKeeper, dialPort } from './apache-zookeeper.ts'
import { multiScenarios } from './multi-scenarios.ts'
import { nodeScenarios } from './node-scenarios.ts'
import { expiryScenario, sessionScenarios } from './session-scenarios.ts'
import { type Scenario, Transcript } from './transcript.ts'
import { watchScenarios } from './watch-scenarios.ts'
import { wordsOf } from './words.ts'

const scenarios = [...nodeScenarios, ...watchScenarios, ...multiScenarios, ...accessScenarios, ...sessionScenarios]

describe('the same sessions at Apache ZooKeeper 3.5 and at Ottla', function () {
  this.timeout(120_000)
  needs('java', 'maven')

  let apache: ApacheZooKeeper
  let ottla: ZooKeeperEndpoint
  let dials: readonly Dial[]

  before(async function () {
    this.timeout(300_000)
    apache = await ApacheZooKeeper.start()
    const fail = (reason: Error): never => {
      throw reason
    }
    ottla = new ZooKeeperEndpoint({
      host: nodeHost(fail),
      transport: new TcpTransport(),
      store: new MemoryNodeStore(),
      logger: silentLogger,
    })
    dials = [dialPort(apache.port), dialPort(await ottla.listen('127.0.0.1', 0))]
  })

  after(async () => {
    await ottla?.stop()
    await apache?.stop()
  })

  for (const scenario of [...scenarios, expiryScenario])
    it(scenario.name, async () => {
      const [theirs, ours] = await Promise.all(dials.map((dial) => transcriptOf(scenario, dial)))
      expect(theirs).to.not.deep.equal([])
      expect(ours).to.deep.equal(theirs)
    })

  it('four-letter words', async () => {
    const [theirs, ours] = await Promise.all(dials.map((dial) => wordsOf(dial)))
    expect(ours).to.deep.equal(theirs)
  })
})

async function transcriptOf({ run }: Scenario, dial: Dial): Promise<string[]> {
  const transcript = new Transcript(dial)
  try {
    await run(transcript)
  } finally {
    transcript.close()
  }
  return transcript.lines
}
