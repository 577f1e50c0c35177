import { join } from 'node:path'
import { expect } from 'chai'
import { Kafka, logLevel } from 'kafkajs'
import { kafkaClassPath } from '../../scripts/kafka-tool.ts'
import { javaProgram } from '../java-program.ts'
import { needs } from '../requirements.ts'
import { runCommandWell } from '../run-command.ts'
import { TestBroker } from '../test-broker.ts'

const PARTITIONS = 6
const SESSION_MS = '6000'
const CLASSIC = [`session.timeout.ms=${SESSION_MS}`, 'heartbeat.interval.ms=300']
const ASSIGNOR = 'partition.assignment.strategy=org.apache.kafka.clients.consumer.'

interface Protocol {
  readonly name: string
  readonly settings: readonly string[]
  /** Which of two members with the same instance id is refused, and with which exception. */
  readonly imitated: string
}

const protocols: readonly Protocol[] = [
  {
    name: 'classic, eager',
    settings: [`${ASSIGNOR}RangeAssignor`, ...CLASSIC],
    imitated: 'again FencedInstanceIdException',
  },
  {
    name: 'classic, cooperative',
    settings: [`${ASSIGNOR}CooperativeStickyAssignor`, ...CLASSIC],
    imitated: 'again FencedInstanceIdException',
  },
  { name: 'consumer', settings: ['group.protocol=consumer'], imitated: 'imitator UnreleasedInstanceIdException' },
]

describe('static members of the JVM consumer', function () {
  this.timeout(120_000)
  needs('java', 'maven')
  let broker: TestBroker
  /** Output of the program for each protocol. The runs are parallel because they mostly wait. */
  let said: Map<string, string>

  before(async () => {
    broker = await TestBroker.start({
      settings: {
        'group.min.session.timeout.ms': '1000',
        'group.consumer.min.session.timeout.ms': '1000',
        'group.consumer.session.timeout.ms': SESSION_MS,
        'group.consumer.min.heartbeat.interval.ms': '300',
        'group.consumer.heartbeat.interval.ms': '300',
        'group.consumer.assignment.interval.ms': '0',
        'group.consumer.min.assignment.interval.ms': '0',
      },
    })
    const admin = new Kafka({ brokers: [broker.bootstrap], logLevel: logLevel.NOTHING }).admin()
    await admin.connect()
    await admin.createTopics({ topics: [{ topic: 't', numPartitions: PARTITIONS }] })
    await admin.disconnect()
    const program = join(import.meta.dirname, 'StaticMembers.java')
    const command = await javaProgram(program, await kafkaClassPath('4.4.0'), '-Xmx256m')
    const runs = protocols.map(async ({ name, settings }) => {
      const args = [broker.bootstrap, 't', name, `${PARTITIONS}`, ...settings]
      const { stdout } = await runCommandWell([...command, ...args], { timeoutMs: 100_000 })
      return [name, stdout] as const
    })
    said = new Map(await Promise.all(runs))
  })
  after(() => broker?.dispose())

  for (const { name, imitated } of protocols) {
    describe(`of the ${name} protocol`, () => {
      it('come back within their session timeout without a rebalance', () => {
        expect(said.get(name)).to.match(/^restarted: partitions=true generation=true other=true$/m)
      })

      it('are told when somebody else has, or takes, their instance id', () => {
        expect(said.get(name)).to.match(new RegExp(`^imitated: ${imitated} generation=true other=true$`, 'm'))
      })

      it('lose their partitions when they stay away for longer', () => {
        expect(said.get(name)).to.match(/^away: two=6$/m)
      })
    })
  }
})
