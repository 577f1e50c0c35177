import { expect } from 'chai'
import { apacheKafka } from '../apache-kafka.ts'
import { KafkaJsApplication } from '../clients/kafkajs/kafkajs-application.ts'
import { needs } from '../requirements.ts'
import { TestBroker } from '../test-broker.ts'
import { waitFor } from '../wait-for.ts'
import { normalise } from './normalise.ts'
import { ottlaLikeKafka } from './side.ts'
import { ToolProcess } from './tool-process.ts'

const REPORT_MS = 90_000
const report = /: max lag is 0 for partition .*$/m

describe('kafka-replica-verification, which runs until it is stopped', function () {
  this.timeout(300_000)
  needs('java', 'maven')
  let brokers: TestBroker[] = []
  const running: ToolProcess[] = []

  before(async () => {
    brokers = await TestBroker.startAll([{ program: apacheKafka }, { program: ottlaLikeKafka }])
    await Promise.all(brokers.map(fill))
  })
  afterEach(async () => {
    await Promise.all(running.splice(0).map((each) => each.stop('SIGKILL')))
  })
  after(async () => {
    await Promise.all(brokers.map((each) => each.dispose()))
  })

  async function fill({ bootstrap }: TestBroker): Promise<void> {
    const application = new KafkaJsApplication(bootstrap)
    const messages = Array.from({ length: 10 }, (_, i) => ({ value: `v${i}`, partition: i % 2 }))
    await (await application.admin()).createTopics({ topics: [{ topic: 't', numPartitions: 2 }] })
    await (await application.producer()).send({ topic: 't', messages })
    await application.close()
  }

  /** Output up to the first report that all is verified. */
  async function verified(version: string, { bootstrap, directory }: TestBroker): Promise<string> {
    const args = ['--broker-list', bootstrap, '--time', '-2', '--report-interval-ms', '1000']
    const tool = await ToolProcess.start(version, 'kafka-replica-verification', args, directory)
    running.push(tool)
    const hasReported = () => {
      tool.expectAlive()
      return report.test(tool.log)
    }
    await waitFor('it reports', hasReported, REPORT_MS)
    await tool.stop()
    const lines = normalise(tool.log, []).split('\n')
    return lines.slice(0, lines.findIndex((line) => report.test(line)) + 1).join('\n')
  }

  for (const version of ['4.4.0', '2.8.2'])
    it(`${version} reports of Ottla what it reports of Apache Kafka`, async () => {
      const [kafka, own] = await Promise.all(brokers.map((each) => verified(version, each)))
      expect(own)
        .to.match(/verification process is started/)
        .and.to.contain('partition t-')
      expect(own).to.equal(kafka)
    })
})
