import { expect } from 'chai'
import { ApiVersions } from '../../protocol/apis/api-versions.ts'
import { apacheKafka } from '../apache-kafka.ts'
import { ottla } from '../broker-program.ts'
import { RawClient } from '../raw-client.ts'
import { needs } from '../requirements.ts'
import { TestBroker } from '../test-broker.ts'
import { administrationScenarios } from './administration-scenarios.ts'
import { apiVersionsScenarios } from './api-versions-scenarios.ts'
import { type Difference, differences } from './compare.ts'
import { configScenarios } from './config-scenarios.ts'
import { consumerGroupScenarios } from './consumer-group-scenarios.ts'
import { type Served, uncovered } from './coverage.ts'
import { emptyScenarios } from './empty-scenarios.ts'
import { fetchWaitScenarios } from './fetch-wait-scenarios.ts'
import { frameScenarios } from './frame-scenarios.ts'
import { groupErrorScenarios } from './group-error-scenarios.ts'
import { groupScenarios } from './group-scenarios.ts'
import { inspectionScenarios } from './inspection-scenarios.ts'
import { knownDifferences } from './known-differences.ts'
import { offsetScenarios } from './offset-scenarios.ts'
import { recordScenarios } from './record-scenarios.ts'
import type { Scenario } from './scenario.ts'
import { topicScenarios } from './topic-scenarios.ts'
import { type Exchange, Transcript } from './transcript.ts'

const scenarios: readonly Scenario[] = [
  ...topicScenarios,
  ...configScenarios,
  ...administrationScenarios,
  ...groupScenarios,
  ...groupErrorScenarios,
  ...offsetScenarios,
  ...consumerGroupScenarios,
  ...recordScenarios,
  ...inspectionScenarios,
  ...fetchWaitScenarios,
  ...apiVersionsScenarios,
  ...frameScenarios,
  ...emptyScenarios,
]

/** Settings also given to the Apache Kafka of the test: those of a broker that is its own controller. */
const asKafkaIsStarted = {
  'cluster.id': '4L6g3nShT-eMCtK--X86sw',
  'process.roles': 'broker,controller',
  'node.id': '1',
  'controller.quorum.voters': '1@127.0.0.1:9093',
  'controller.listener.names': 'CONTROLLER',
  'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
  'offsets.topic.replication.factor': '1',
  'offsets.topic.num.partitions': '1',
  'transaction.state.log.replication.factor': '1',
  'transaction.state.log.min.isr': '1',
  'share.coordinator.state.topic.replication.factor': '1',
  'share.coordinator.state.topic.min.isr': '1',
  'group.initial.rebalance.delay.ms': '0',
}

describe('the same requests to Apache Kafka 4.4.0 and to Ottla', function () {
  this.timeout(120_000)
  needs('java', 'maven')
  let brokers: { kafka: TestBroker; ottla: TestBroker }
  const used = new Set<string>()
  const compared = new Set<string>()

  before(async () => {
    const [kafka, own] = await TestBroker.startAll([
      { program: apacheKafka },
      { program: ottla, settings: asKafkaIsStarted },
    ])
    brokers = { kafka: kafka!, ottla: own! }
  })
  after(async () => {
    await Promise.all([brokers?.kafka.dispose(), brokers?.ottla.dispose()])
  })

  for (const scenario of scenarios) {
    it(scenario.name, async () => {
      const [kafka, own] = await Promise.all([play(scenario, brokers.kafka), play(scenario, brokers.ottla)])
      if (!scenario.isTrivial) for (const name of answeredByBoth(kafka, own)) compared.add(name)
      const unexplained = differences(kafka, own).filter((difference) => !isKnown(difference, used))
      if (unexplained.length > 0) throw new Error(unexplained.map(line).join('\n'))
    })
  }

  it('each api that both serve was compared in its oldest version, its newest, and one between', async function () {
    if (!isWhole(this)) this.skip()
    const [kafka, own] = await Promise.all([served(brokers.kafka), served(brokers.ottla)])
    expect(uncovered(kafka, own, compared)).to.deep.equal([])
  })

  it('every difference that is listed still exists', function () {
    if (!isWhole(this)) this.skip()
    expect(
      knownDifferences.filter(({ place }) => !used.has(place.source)).map(({ place }) => place.source),
    ).to.deep.equal([])
  })
})

/** Whether all scenarios ran, not a selection. */
function isWhole({ test }: Mocha.Context): boolean {
  const tests = test?.parent?.tests ?? []
  return scenarios.every(({ name }) => tests.some((each) => each.title === name && each.state !== undefined))
}

function answeredByBoth(kafka: readonly Exchange[], ottla: readonly Exchange[]): string[] {
  const own = new Set(ottla.map(({ answered }) => answered))
  return kafka.flatMap(({ answered }) => (answered !== undefined && own.has(answered) ? [answered] : []))
}

async function served({ port }: TestBroker): Promise<Served> {
  const client = await RawClient.connect(port)
  try {
    return await client.send(ApiVersions, 4, { clientSoftwareName: 'raw', clientSoftwareVersion: '1' })
  } finally {
    client.close()
  }
}

function line({ place, kafka, ottla: own }: Difference): string {
  return `${place}: Kafka ${JSON.stringify(kafka)}, Ottla ${JSON.stringify(own)}`
}

async function play(scenario: Scenario, { port }: TestBroker): Promise<Exchange[]> {
  const transcript = new Transcript()
  const clients: RawClient[] = []
  const open = async () => {
    const client = await RawClient.connect(port)
    clients.push(client)
    return transcript.sender(client)
  }
  try {
    await scenario.run(await open(), open, transcript.knocker(port))
  } finally {
    for (const client of clients) client.close()
  }
  return transcript.exchanges
}

function isKnown({ place }: Difference, used: Set<string>): boolean {
  const known = knownDifferences.find((each) => each.place.test(place))
  if (known !== undefined) used.add(known.place.source)
  return known !== undefined
}
