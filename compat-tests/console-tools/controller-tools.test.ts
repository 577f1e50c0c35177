import { expect } from 'chai'
import { apacheKafka } from '../apache-kafka.ts'
import { ottlaWithController } from '../broker-program.ts'
import { needs } from '../requirements.ts'
import { TestBroker } from '../test-broker.ts'
import { ToolRunner } from './tool-runner.ts'

const CLUSTER_ID = '4L6g3nShT-eMCtK--X86sw'

/** Commands for a controller, in the order in which they run: tool, arguments. */
const commands = [
  'kafka-metadata-quorum describe --status',
  'kafka-metadata-quorum describe --replication',
  'kafka-metadata-quorum describe --replication --human-readable',
  'kafka-metadata-quorum remove-controller --controller-id 1 --controller-directory-id f4keAAAAAAAAAAAAAAAAAA',
  'kafka-features describe',
  'kafka-features upgrade --feature share.version=9 --dry-run',
  'kafka-features downgrade --feature group.version=0',
  'kafka-features upgrade --feature group.version=1',
  'kafka-features upgrade --metadata 4.4-IV2',
  'kafka-cluster cluster-id',
  'kafka-cluster list-endpoints',
  'kafka-cluster list-endpoints --include-fenced-brokers',
  'kafka-cluster unregister --id 7',
  'kafka-configs --alter --entity-type brokers --entity-name 1 --add-config max.connections=1000',
  'kafka-configs --alter --entity-type brokers --entity-default --add-config log.cleaner.threads=2',
  'kafka-configs --describe --entity-type brokers --entity-name 1',
  'kafka-configs --describe --entity-type brokers --entity-default',
  'kafka-configs --describe --entity-type brokers',
  'kafka-configs --alter --entity-type brokers --entity-name 1 --delete-config max.connections',
  'kafka-configs --alter --entity-type brokers --entity-name 2 --add-config max.connections=1000',
  'kafka-configs --describe --entity-type topics --entity-name x',
  'kafka-configs --alter --entity-type topics --entity-name x --add-config flush.ms=1',
  'kafka-configs --alter --entity-type users --entity-name u --add-config producer_byte_rate=5',
  'kafka-configs --describe --entity-type users --entity-name u',
]

/** Commands whose bootstrap is of the other type, with the option and the port that they get. */
const misdirected = [
  ['--bootstrap-controller', 'port', 'kafka-cluster cluster-id'],
  ['--bootstrap-controller', 'port', 'kafka-metadata-quorum describe --status'],
  ['--bootstrap-server', 'controllerPort', 'kafka-cluster cluster-id'],
  ['--bootstrap-server', 'controllerPort', 'kafka-features describe'],
  ['--bootstrap-server', 'port', 'kafka-metadata-quorum describe --status'],
  ['--bootstrap-server', 'port', 'kafka-metadata-quorum describe --replication'],
  ['--bootstrap-server', 'port', 'kafka-cluster list-endpoints'],
] as const

describe('tools for the controller', function () {
  this.timeout(120_000)
  needs('java', 'maven')
  let brokers: readonly TestBroker[] = []
  let runner: ToolRunner

  before(async () => {
    const common = { 'cluster.id': CLUSTER_ID, 'node.id': '1', 'process.roles': 'broker,controller' }
    brokers = await TestBroker.startAll([{ program: apacheKafka }, { program: ottlaWithController, settings: common }])
    runner = await ToolRunner.start('4.4.0')
  })
  after(async () => {
    await runner?.close()
    await Promise.all(brokers.map((each) => each.dispose()))
  })

  async function same(command: string, option: string, port: (broker: TestBroker) => number): Promise<void> {
    const [tool, ...args] = command.split(' ')
    const outcomes: object[] = []
    for (const broker of brokers) {
      const address = [option, `127.0.0.1:${port(broker)}`]
      const result = await runner.run(tool!, tool === 'kafka-cluster' ? [...args, ...address] : [...address, ...args])
      outcomes.push({ code: result.code, stdout: plain(result.stdout), stderr: plain(result.stderr) })
    }
    expect(outcomes[1]).to.deep.equal(outcomes[0])
  }

  for (const command of commands)
    it(`say the same: ${command}`, () => same(command, '--bootstrap-controller', (broker) => broker.controllerPort))

  for (const [option, port, command] of misdirected)
    it(`say the same with ${option} and the ${port} of the broker: ${command}`, () =>
      same(command, option, (broker) => broker[port]))
})

/** Output without what differs from run to run: ports, offsets, times, stack traces. */
function plain(output: string): string[] {
  return output
    .replace(/127\.0\.0\.1[: ]\d+/g, '127.0.0.1:<port>')
    .replace(/\b(\d{13}|\d+ ms ago)\b/g, '<time>')
    .replace(/\b\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>')
    .replace(/(HighWatermark|LeaderEpoch): +\d+/g, '$1: <number>')
    .replace(/(Epoch:) \d+/g, '$1 <number>')
    .replace(/^(1\s+\S+\s+)\d+\s+/gm, '$1<number> ')
    .replace(/adminclient-\d+/g, 'adminclient')
    .split('\n')
    .map((line) => line.trim().replace(/ +/g, ' '))
    .filter((line) => !line.startsWith('at ') && !/^\.\.\. \d+ more/.test(line))
}
