import { join } from 'node:path'
import { expect } from 'chai'
import { Kafka, logLevel } from 'kafkajs'
import { kafkaClassPath } from '../../scripts/kafka-tool.ts'
import { type RolledOver, rollingRestart } from '../clients/kafkajs/rolling.ts'
import { matrixClients } from '../clients/matrix/matrix-client.ts'
import { javaProgram } from '../java-program.ts'
import { needs } from '../requirements.ts'
import { runCommandWell } from '../run-command.ts'
import { TestBroker } from '../test-broker.ts'

const MEMBERS = 10
const ASSIGNOR = 'partition.assignment.strategy=org.apache.kafka.clients.consumer.'
const CONSUMER = 'group.protocol=consumer'
const WITHIN = { timeoutMs: 200_000 }

interface JvmGroup {
  /** Settings before the first restart and after each one. */
  readonly rounds: readonly string[]
  /** Protocol of the group and its numbers of classic and new members, halfway through each restart. */
  readonly halfway: readonly string[]
}

function same(settings: string, halfway: string): JvmGroup {
  return { rounds: [settings, settings], halfway: [halfway] }
}

const jvmGroups: Readonly<Record<string, JvmGroup>> = {
  range: same(`${ASSIGNOR}RangeAssignor`, 'Classic:10+0'),
  'round robin': same(`${ASSIGNOR}RoundRobinAssignor`, 'Classic:10+0'),
  sticky: same(`${ASSIGNOR}StickyAssignor`, 'Classic:10+0'),
  'cooperative sticky': same(`${ASSIGNOR}CooperativeStickyAssignor`, 'Classic:10+0'),
  'static members': same(`${ASSIGNOR}CooperativeStickyAssignor group.instance.id=instance-#`, 'Classic:10+0'),
  'the consumer protocol': same(CONSUMER, 'Consumer:0+10'),
  'the consumer protocol with ranges': same(`${CONSUMER} group.remote.assignor=range`, 'Consumer:0+10'),
  'the consumer protocol with static members': same(`${CONSUMER} group.instance.id=instance-#`, 'Consumer:0+10'),
  'the consumer protocol with a regular expression': same(
    `${CONSUMER} subscription.pattern=jvm-the-consumer-protocol-with-a-reg.*`,
    'Consumer:0+10',
  ),
}

/**
 * In a consumer-protocol group a classic member may be in a new generation before it knows, and its commit is refused:
 * its client reports that and reads again what it had just processed. Apache Kafka 4.4.0 behaves the same.
 */
const jvmGroupsThatMove: typeof jvmGroups = {
  'eager members that move to the consumer protocol, and back': {
    rounds: [`${ASSIGNOR}RangeAssignor`, CONSUMER, `${ASSIGNOR}RangeAssignor`],
    halfway: ['Consumer:5+5', 'Consumer:5+5'],
  },
  'cooperative members that move to the consumer protocol, and back': {
    rounds: [`${ASSIGNOR}CooperativeStickyAssignor`, CONSUMER, `${ASSIGNOR}CooperativeStickyAssignor`],
    halfway: ['Consumer:5+5', 'Consumer:5+5'],
  },
}

/** Arguments of the programs in other languages: the assignment strategy of their members. */
const otherGroups: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'confluent-kafka': {
    range: 'partition.assignment.strategy=range',
    'round robin': 'partition.assignment.strategy=roundrobin',
    'cooperative sticky': 'partition.assignment.strategy=cooperative-sticky',
    'static members': 'group.instance.id=instance-#',
    'the consumer protocol': CONSUMER,
  },
  'franz-go': {
    range: 'range',
    sticky: 'sticky',
    'cooperative sticky': 'cooperative-sticky',
    'the consumer protocol': 'consumer',
  },
}

function topicOf(client: string, group: string): string {
  return `${client}-${group.replaceAll(/\W+/g, '-')}`
}

/** Line that a program printed about one of its groups. */
function resultOf(said: string, topic: string): RolledOver & { halfway: string } {
  const line = new RegExp(`^${topic} sent=(\\d+) processed=(\\d+) twice=(\\d+)(?: halfway=(.*))?$`, 'm').exec(said)
  if (line === null) throw new Error(`nothing of ${topic} in: ${said}`)
  const [sent, processed, twice] = line.slice(1, 4).map(Number) as [number, number, number]
  return { sent, processed, twice, halfway: line[4] ?? '' }
}

function expectAllOnce({ sent, processed, twice }: RolledOver): void {
  expect(sent).to.be.greaterThan(20)
  expect({ processed, twice }).to.deep.equal({ processed: sent, twice: 0 })
}

describe('ten members, restarted one after the other while records keep coming', function () {
  this.timeout(240_000)
  let broker: TestBroker

  before(async () => {
    // With the consumer protocol's defaults each step of a rebalance would take five seconds.
    const settings = {
      'group.consumer.heartbeat.interval.ms': '300',
      'group.consumer.min.heartbeat.interval.ms': '300',
      'group.consumer.assignment.interval.ms': '0',
      'group.consumer.min.assignment.interval.ms': '0',
    }
    broker = await TestBroker.start({ settings })
  })
  after(() => broker?.dispose())

  async function createTopics(topics: readonly string[]): Promise<void> {
    const admin = new Kafka({ brokers: [broker.bootstrap], logLevel: logLevel.NOTHING }).admin()
    await admin.connect()
    await admin.createTopics({ topics: topics.map((topic) => ({ topic, numPartitions: 2 * MEMBERS })) })
    await admin.disconnect()
  }

  describe("of Apache Kafka's own client, in groups side by side", () => {
    needs('java', 'maven')
    let said: string
    before(async () => {
      const groups = Object.entries({ ...jvmGroups, ...jvmGroupsThatMove })
      await createTopics(groups.map(([name]) => topicOf('jvm', name)))
      const program = join(import.meta.dirname, 'RollingRestart.java')
      const command = await javaProgram(program, await kafkaClassPath('4.4.0'), '-Xmx1g')
      const args = groups.map(([name, { rounds }]) => [topicOf('jvm', name), ...rounds].join('|'))
      said = (await runCommandWell([...command, broker.bootstrap, `${MEMBERS}`, ...args], WITHIN)).stdout
    })

    for (const [name, { halfway }] of Object.entries(jvmGroups)) {
      it(`${name}: each record is processed, and none twice`, () => {
        const result = resultOf(said, topicOf('jvm', name))
        expectAllOnce(result)
        expect(result.halfway).to.equal(halfway.join(','))
      })
    }
    for (const [name, { halfway }] of Object.entries(jvmGroupsThatMove)) {
      it(`${name}: each record is processed`, () => {
        const { sent, processed, halfway: seen } = resultOf(said, topicOf('jvm', name))
        expect(processed).to.equal(sent)
        expect(seen).to.equal(halfway.join(','))
      })
    }
  })

  for (const [clientName, groups] of Object.entries(otherGroups)) {
    describe(`of ${clientName}, in groups side by side`, () => {
      const client = matrixClients.find(({ name }) => name === clientName)!
      needs(...client.requirements)
      let said: string
      before(async function () {
        this.timeout(600_000)
        await createTopics(Object.keys(groups).map((name) => topicOf(clientName, name)))
        const command = [...(await client.command()), 'rolling', broker.bootstrap]
        const runs = Object.entries(groups).map(([name, settings]) =>
          runCommandWell([...command, topicOf(clientName, name), `${MEMBERS}`, settings], WITHIN),
        )
        said = (await Promise.all(runs)).map(({ stdout }) => stdout).join('')
      })

      for (const name of Object.keys(groups)) {
        it(`${name}: each record is processed, and none twice`, () =>
          expectAllOnce(resultOf(said, topicOf(clientName, name))))
      }
    })
  }

  it('of kafkajs: each record is processed, and none twice', async () => {
    await createTopics(['kafkajs'])
    expectAllOnce(await rollingRestart(broker.bootstrap, 'kafkajs', MEMBERS))
  })
})
