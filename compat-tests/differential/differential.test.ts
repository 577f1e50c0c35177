import { expect } from 'chai'
import { ApiVersions } from '../../protocol/apis/api-versions.ts'
import { apacheKafka } from '../apache-kafka.ts'
import { ottlaWithController } from '../broker-program.ts'
import { RawClient } from '../raw-client.ts'
import { needs } from '../requirements.ts'
import { TestBroker } from '../test-broker.ts'
import { administrationScenarios } from './administration-scenarios.ts'
import { apiVersionsScenarios } from './api-versions-scenarios.ts'
import { applicationScenarios } from './application-scenarios.ts'
import { differences } from './compare.ts'
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
import { asKafkaIsStarted, line, play, unexplained } from './play.ts'
import { recordScenarios } from './record-scenarios.ts'
import type { Scenario } from './scenario.ts'
import { telemetryScenarios } from './telemetry-scenarios.ts'
import { topicScenarios } from './topic-scenarios.ts'
import { transactionErrorScenarios } from './transaction-error-scenarios.ts'
import { transactionListingScenarios } from './transaction-listing-scenarios.ts'
import { transactionMarkerScenarios } from './transaction-marker-scenarios.ts'
import { transactionOffsetScenarios } from './transaction-offset-scenarios.ts'
import { transactionRecordScenarios } from './transaction-record-scenarios.ts'
import { transactionScenarios } from './transaction-scenarios.ts'
import type { Exchange } from './transcript.ts'

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
  ...transactionScenarios,
  ...transactionOffsetScenarios,
  ...transactionMarkerScenarios,
  ...transactionRecordScenarios,
  ...transactionListingScenarios,
  ...transactionErrorScenarios,
  ...apiVersionsScenarios,
  ...telemetryScenarios,
  ...applicationScenarios,
  ...frameScenarios,
  ...emptyScenarios,
]

describe('the same requests to Apache Kafka 4.4.0 and to Ottla', function () {
  this.timeout(120_000)
  needs('java', 'maven')
  let brokers: { kafka: TestBroker; ottla: TestBroker }
  const used = new Set<string>()
  const compared = new Set<string>()

  before(async function () {
    this.timeout(300_000)
    const [kafka, own] = await TestBroker.startAll([
      { program: apacheKafka },
      { program: ottlaWithController, settings: asKafkaIsStarted },
    ])
    brokers = { kafka: kafka!, ottla: own! }
  })
  after(async () => {
    await Promise.all([brokers?.kafka.dispose(), brokers?.ottla.dispose()])
  })

  for (const scenario of scenarios) {
    it(scenario.name, async () => {
      const [kafka, own] = await Promise.all([
        play(scenario, brokers.kafka, 'broker'),
        play(scenario, brokers.ottla, 'broker'),
      ])
      if (!scenario.isTrivial) for (const name of answeredByBoth(kafka, own)) compared.add(name)
      const found = unexplained(differences(kafka, own), knownDifferences, used)
      if (found.length > 0) throw new Error(found.map(line).join('\n'))
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
