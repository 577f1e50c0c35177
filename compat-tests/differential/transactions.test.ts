import { apacheKafka } from '../apache-kafka.ts'
import { ottlaWithController } from '../broker-program.ts'
import { needs } from '../requirements.ts'
import { TestBroker } from '../test-broker.ts'
import { differences } from './compare.ts'
import { asKafkaIsStarted, line, play } from './play.ts'
import { hastySettings, transactionSettingScenarios } from './transaction-setting-scenarios.ts'

describe('transactions in a hurry, at Apache Kafka 4.4.0 and at Ottla', function () {
  this.timeout(120_000)
  needs('java', 'maven')
  let brokers: { kafka: TestBroker; ottla: TestBroker }

  before(async function () {
    this.timeout(300_000)
    const [kafka, own] = await TestBroker.startAll([
      { program: apacheKafka, settings: hastySettings },
      { program: ottlaWithController, settings: { ...asKafkaIsStarted, ...hastySettings } },
    ])
    brokers = { kafka: kafka!, ottla: own! }
  })
  after(async () => {
    await Promise.all([brokers?.kafka.dispose(), brokers?.ottla.dispose()])
  })

  for (const scenario of transactionSettingScenarios) {
    it(scenario.name, async () => {
      const [kafka, own] = await Promise.all([
        play(scenario, brokers.kafka, 'broker'),
        play(scenario, brokers.ottla, 'broker'),
      ])
      const found = differences(kafka, own)
      if (found.length > 0) throw new Error(found.map(line).join('\n'))
    })
  }
})
