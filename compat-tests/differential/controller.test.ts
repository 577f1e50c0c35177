import { apacheKafka } from '../apache-kafka.ts'
import { ottlaWithController } from '../broker-program.ts'
import { needs } from '../requirements.ts'
import { TestBroker } from '../test-broker.ts'
import { controllerScenarios } from './administration-scenarios.ts'
import { apiVersionsScenarios } from './api-versions-scenarios.ts'
import { differences } from './compare.ts'
import { controllerConfigScenarios } from './config-scenarios.ts'
import { knownControllerDifferences } from './known-differences.ts'
import { asKafkaIsStarted, line, play, unexplained } from './play.ts'
import { topicScenarios } from './topic-scenarios.ts'

describe('the same requests to the controllers of Apache Kafka 4.4.0 and of Ottla', function () {
  this.timeout(60_000)
  needs('java', 'maven')
  let brokers: { kafka: TestBroker; ottla: TestBroker }
  const used = new Set<string>()

  before(async function () {
    this.timeout(300_000)
    const [kafka, ottla] = await TestBroker.startAll([
      { program: apacheKafka },
      { program: ottlaWithController, settings: asKafkaIsStarted },
    ])
    brokers = { kafka: kafka!, ottla: ottla! }
  })
  after(async () => {
    await Promise.all([brokers?.kafka.dispose(), brokers?.ottla.dispose()])
  })

  for (const scenario of [
    ...topicScenarios,
    ...controllerConfigScenarios,
    ...controllerScenarios,
    ...apiVersionsScenarios,
  ]) {
    it(scenario.name, async () => {
      const [kafka, ottla] = await Promise.all([
        play(scenario, brokers.kafka, 'controller'),
        play(scenario, brokers.ottla, 'controller'),
      ])
      const found = unexplained(differences(kafka, ottla), knownControllerDifferences, used)
      if (found.length > 0) throw new Error(found.map(line).join('\n'))
    })
  }
})
