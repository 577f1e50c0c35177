import { apacheKafka } from '../apache-kafka.ts'
import { ottlaWithController } from '../broker-program.ts'
import { RawClient } from '../raw-client.ts'
import { needs } from '../requirements.ts'
import { TestBroker } from '../test-broker.ts'
import { differences } from './compare.ts'
import { asKafkaIsStarted, line, play } from './play.ts'
import { levelScenario } from './transaction-level-scenarios.ts'
import { afterRestart, beforeRestart } from './transaction-restart.ts'
import { hastySettings, transactionSettingScenarios } from './transaction-setting-scenarios.ts'
import { type Exchange, type Send, Transcript } from './transcript.ts'

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

  for (const scenario of [...transactionSettingScenarios, levelScenario]) {
    it(scenario.name, async () => {
      const [kafka, own] = await Promise.all([
        play(scenario, brokers.kafka, 'broker'),
        play(scenario, brokers.ottla, 'broker'),
      ])
      const found = differences(kafka, own)
      if (found.length > 0) throw new Error(found.map(line).join('\n'))
    })
  }

  it('open transactions outlive kill -9', async () => {
    const [kafka, own] = await Promise.all([acrossRestart(brokers.kafka), acrossRestart(brokers.ottla)])
    const found = differences(kafka, own)
    if (found.length > 0) throw new Error(found.map(line).join('\n'))
  })
})

async function acrossRestart(broker: TestBroker): Promise<readonly Exchange[]> {
  const transcript = new Transcript()
  const connected = async <T>(ask: (send: Send) => Promise<T>) => {
    const client = await RawClient.connect(broker.port)
    try {
      return await ask(transcript.sender(client))
    } finally {
      client.close()
    }
  }
  const open = await connected(beforeRestart)
  await broker.kill9()
  await broker.restart()
  await connected((send) => afterRestart(send, open))
  return transcript.exchanges.map((each) => ({ ...each, answer: withLaterEpochs(each.answer) }))
}

/** Kafka raises leader epochs at the end of a broker and at its start, Ottla once. */
function withLaterEpochs(answer: unknown): unknown {
  return JSON.parse(
    JSON.stringify(answer, (field, value) =>
      (field === 'leaderEpoch' || field === 'coordinatorEpoch') && value > 0 ? 'later' : value,
    ),
  )
}
