import { expect } from 'chai'
import { needs } from '../../requirements.ts'
import { runCommandWell } from '../../run-command.ts'
import { TestBroker } from '../../test-broker.ts'
import { jvmCommand } from '../matrix/matrix-client.ts'

const COUNT = 200
const ASSIGNORS = ['RangeAssignor', 'RoundRobinAssignor', 'StickyAssignor', 'CooperativeStickyAssignor']
const GROUPS: Readonly<Record<string, readonly string[]>> = {
  ...Object.fromEntries(
    ASSIGNORS.map((name) => [name, [`partition.assignment.strategy=org.apache.kafka.clients.consumer.${name}`]]),
  ),
  'static member': ['group.instance.id=static-1'],
  'consumer protocol, uniform': ['group.protocol=consumer', 'group.remote.assignor=uniform'],
  'consumer protocol, range': ['group.protocol=consumer', 'group.remote.assignor=range'],
}

describe("Apache Kafka's own consumer", function () {
  needs('java', 'maven')
  this.timeout(120_000)
  let broker: TestBroker
  let command: string[]

  before(async () => {
    broker = await TestBroker.start({ settings: { 'num.partitions': '4' } })
    command = await jvmCommand()
  })
  after(() => broker?.dispose())

  for (const [name, properties] of Object.entries(GROUPS)) {
    it(`reads all partitions as a group, and continues from what it committed: ${name}`, async () => {
      const group = name.replaceAll(/\W+/g, '-')
      const topic = `continued-${group}`
      const consume = async (count: number) => {
        const args = ['consume', broker.bootstrap, topic, group, String(count), ...properties]
        const { stdout } = await runCommandWell([...command, ...args])
        return stdout
          .trim()
          .split('\n')
          .map((line) => Number(JSON.parse(line).index))
          .toSorted((a, b) => a - b)
      }
      const numbers = Array.from({ length: COUNT }, (_, index) => index)
      await runCommandWell([...command, 'produce', broker.bootstrap, topic, 'none', String(COUNT)])
      expect(await consume(COUNT)).to.deep.equal(numbers)
      await runCommandWell([...command, 'produce', broker.bootstrap, topic, 'zstd', '20'])
      expect(await consume(20)).to.deep.equal(numbers.slice(0, 20))
    })
  }
})
