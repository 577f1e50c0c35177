import { join } from 'node:path'
import { expect } from 'chai'
import { Kafka, logLevel } from 'kafkajs'
import { kafkaClassPath } from '../../scripts/kafka-tool.ts'
import { needs } from '../requirements.ts'
import { runCommandWell } from '../run-command.ts'
import { TestBroker } from '../test-broker.ts'

const MEMBERS = 10
const ASSIGNOR = 'partition.assignment.strategy=org.apache.kafka.clients.consumer.'

const kinds: [string, string[]][] = [
  ['range', [`${ASSIGNOR}RangeAssignor`]],
  ['round robin', [`${ASSIGNOR}RoundRobinAssignor`]],
  ['sticky', [`${ASSIGNOR}StickyAssignor`]],
  ['cooperative sticky', [`${ASSIGNOR}CooperativeStickyAssignor`]],
  ['static members', [`${ASSIGNOR}CooperativeStickyAssignor`, 'group.instance.id=instance-#']],
  ['the consumer protocol', ['group.protocol=consumer']],
  ['the consumer protocol with ranges', ['group.protocol=consumer', 'group.remote.assignor=range']],
]

describe('ten members of the JVM consumer, restarted one after the other while records keep coming', function () {
  needs('java', 'maven')
  this.timeout(240_000)
  let broker: TestBroker

  before(async () => {
    // Members of the consumer protocol would take five seconds for each step of a rebalance.
    const settings = {
      'group.consumer.heartbeat.interval.ms': '300',
      'group.consumer.min.heartbeat.interval.ms': '300',
      'group.consumer.assignment.interval.ms': '0',
      'group.consumer.min.assignment.interval.ms': '0',
    }
    broker = await TestBroker.start({ settings })
  })
  after(() => broker?.dispose())

  for (const [index, [name, settings]] of kinds.entries()) {
    it(`${name}: each record is processed, and none twice`, async () => {
      const topic = `rolling-${index}`
      const admin = new Kafka({ brokers: [broker.bootstrap], logLevel: logLevel.NOTHING }).admin()
      await admin.connect()
      await admin.createTopics({ topics: [{ topic, numPartitions: 2 * MEMBERS }] })
      await admin.disconnect()
      const program = join(import.meta.dirname, 'RollingRestart.java')
      const jvm = ['-Xmx512m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-cp', await kafkaClassPath('4.3.1')]
      const args = [broker.bootstrap, topic, topic, String(MEMBERS), ...settings]
      const { stdout } = await runCommandWell(['java', ...jvm, program, ...args], { timeoutMs: 200_000 })
      const result = /sent=(\d+) processed=(\d+) twice=(\d+)/.exec(stdout)
      expect(result, stdout).not.to.equal(null)
      const [sent, processed, twice] = result!.slice(1).map(Number)
      expect(sent).to.be.greaterThan(100)
      expect({ processed, twice }).to.deep.equal({ processed: sent, twice: 0 })
    })
  }
})
