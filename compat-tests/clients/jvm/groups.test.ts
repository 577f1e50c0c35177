import { expect } from 'chai'
import { needs } from '../../requirements.ts'
import { runCommandWell } from '../../run-command.ts'
import { TestBroker } from '../../test-broker.ts'
import { jvmClient } from './jvm-client.ts'

const COUNT = 200
const MORE = 20
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
    command = await jvmClient()
  })
  after(() => broker?.dispose())

  for (const [name, properties] of Object.entries(GROUPS)) {
    it(`reads all partitions as a group, and continues from what it committed: ${name}`, async () => {
      const group = name.replaceAll(/\W+/g, '-')
      const topic = `continued-${group}`
      const produce = (codec: string, count: number) => ['produce', broker.bootstrap, topic, codec, String(count)]
      const consume = (count: number) => ['consume', broker.bootstrap, topic, group, String(count), ...properties]
      const verbs = [produce('none', COUNT), consume(COUNT), produce('zstd', MORE), consume(MORE)]
      const { stdout } = await runCommandWell([...command, ...verbs.flatMap((verb) => ['then', ...verb]).slice(1)])
      const read = stdout
        .trim()
        .split('\n')
        .map((line) => Number(JSON.parse(line).index))
      const sorted = (numbers: number[]) => numbers.toSorted((a, b) => a - b)
      const upTo = (count: number) => Array.from({ length: count }, (_, index) => index)
      expect(sorted(read.slice(0, COUNT))).to.deep.equal(upTo(COUNT))
      expect(sorted(read.slice(COUNT)), 'what was written after it had stopped').to.deep.equal(upTo(MORE))
    })
  }
})
