import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { Kafka, logLevel } from 'kafkajs'
import { FindCoordinator } from '../../protocol/apis/find-coordinator.ts'
import { apacheKafka } from '../apache-kafka.ts'
import { type BrokerProgram, ottla } from '../broker-program.ts'
import { ToolRunner } from '../console-tools/tool-runner.ts'
import { RawClient } from '../raw-client.ts'
import { needs } from '../requirements.ts'
import { TestBroker } from '../test-broker.ts'
import { wholeNumber } from '../tools/normalise.ts'
import { waitFor } from '../wait-for.ts'
import { ClassicMember, ConsumerMember, commitOffset } from './raw-members.ts'

const RECORDS = 10
const HOUR_MS = 3_600_000
/** The others follow an hour apart: the one at hour i is the first at or after i - 0.5 hours. */
const FIRST_RECORD_MS = Date.now() - 20.5 * HOUR_MS
const LONG_SESSIONS = { 'group.consumer.session.timeout.ms': '60000' }

function describing(version: string): string[] {
  const describe = ['classic', 'modern', 'simple', 'none'].map((group) => `--describe --group ${group}`)
  const all = [
    ...['--list', '--list --state', '--list --state Stable', '--list --state Empty'],
    ...describe.flatMap((each) =>
      ['', ' --offsets', ' --state', ' --members', ' --members --verbose'].map((what) => each + what),
    ),
    ...['--describe --group simple --group classic', '--describe --all-groups', '--describe --all-groups --state'],
  ]
  if (version.startsWith('2.')) return all
  const types = ['', ' classic', ' consumer'].flatMap((type) => [
    `--list --type${type}`,
    `--list --state --type${type}`,
  ])
  return [...all, ...types, ...describe.flatMap((each) => [`${each} --state --verbose`, `${each} --offsets --verbose`])]
}

function resetting(file: string): string[] {
  const at = (hour: number) => new Date(FIRST_RECORD_MS + hour * HOUR_MS).toISOString().slice(0, 23)
  const ways = [
    ...['--to-offset 3', '--shift-by 2', '--to-current', '--shift-by -100', '--shift-by 100', '--to-offset 1000'],
    ...['--to-earliest', '--to-latest', `--to-datetime ${at(6)}`, '--by-duration PT18H', `--from-file ${file}`],
  ]
  const reset = '--reset-offsets --group simple'
  return [
    ...ways.map((way) => `${reset} --topic t ${way} --execute`),
    '--describe --group simple',
    `${reset} --topic t:1 --to-offset 2 --execute`,
    `${reset} --topic t:0 --topic u:1 --to-offset 4 --execute`,
    `${reset} --all-topics --shift-by 1 --dry-run`,
    `${reset} --topic t --to-latest`,
    `${reset} --topic t --to-current --export --dry-run`,
    `${reset} --topic no-such-topic --to-latest --execute`,
    `${reset} --topic t:9 --to-latest --execute`,
    '--reset-offsets --all-groups --all-topics --to-earliest --dry-run',
    '--reset-offsets --group simple --group second --topic t --to-current --export --dry-run',
    ...['classic', 'modern'].map((group) => `--reset-offsets --group ${group} --topic t --to-earliest --execute`),
    '--reset-offsets --group made-by-it --topic t --to-latest --execute',
    '--describe --group made-by-it',
  ]
}

const deleting = [
  '--delete-offsets --group simple --topic t:1',
  '--delete-offsets --group simple --topic t --topic no-such-topic',
  ...['classic', 'modern', 'none'].map((group) => `--delete-offsets --group ${group} --topic t`),
  '--describe --group simple',
  ...['--delete --group classic', '--delete --group modern', '--delete --group none'],
  '--delete --group simple --group made-by-it --group none',
  '--list',
  '--delete --all-groups',
  '--describe --all-groups --state',
]

const groupsTool = ['', ' --consumer', ' --share', ' --streams', ' --group-type consumer', ' --protocol consumer'].map(
  (filter) => `--list${filter}`,
)

const configsTool = [
  '--alter --entity-name modern --add-config consumer.session.timeout.ms=50000,consumer.heartbeat.interval.ms=6000',
  '--describe --entity-name modern',
  '--describe --entity-name modern --all',
  '--describe',
  '--alter --entity-name modern --add-config consumer.session.timeout.ms=1',
  '--alter --entity-name modern --add-config no.such.setting=1',
  '--alter --entity-name modern --delete-config consumer.session.timeout.ms',
  '--describe --entity-name modern',
  '--alter --entity-name modern --delete-config consumer.heartbeat.interval.ms',
  '--describe --entity-name none',
]

/** Creates topics with two partitions and records in the first. */
async function fillTopics({ bootstrap }: TestBroker): Promise<void> {
  const kafka = new Kafka({ brokers: [bootstrap], logLevel: logLevel.NOTHING })
  const [admin, producer] = [kafka.admin(), kafka.producer()]
  await Promise.all([admin.connect(), producer.connect()])
  for (const topic of ['t', 'u']) {
    await admin.createTopics({ topics: [{ topic, numPartitions: 2 }] })
    const messages = Array.from({ length: RECORDS }, (_, i) => ({
      partition: 0,
      value: `${i}`,
      timestamp: `${FIRST_RECORD_MS + i * HOUR_MS}`,
    }))
    await producer.send({ topic, messages })
  }
  await Promise.all([admin.disconnect(), producer.disconnect()])
}

/** One broker with its tools and members that stay in their groups. */
class Side {
  readonly broker: TestBroker
  readonly #runner: ToolRunner
  readonly #client: RawClient
  readonly #classic = new ClassicMember('classic', 't', 'instance-1')
  readonly #modern = new ConsumerMember('modern', 'm', { subscribedTopicNames: ['t', 'u'], instanceId: 'instance-2' })

  private constructor(broker: TestBroker, runner: ToolRunner, client: RawClient) {
    this.broker = broker
    this.#runner = runner
    this.#client = client
  }

  static async start(program: BrokerProgram, version: string): Promise<Side> {
    const starting = TestBroker.start({ program, settings: LONG_SESSIONS })
    const [broker, runner] = await Promise.all([starting, ToolRunner.start(version)])
    return new Side(broker, runner, await RawClient.connect(broker.port))
  }

  async close(): Promise<void> {
    this.#client.close()
    await Promise.all([this.#runner.close(), this.broker.dispose()])
  }

  /** Its members stay alive as long as tools are asked. */
  async fill(): Promise<void> {
    await fillTopics(this.broker)
    await waitFor('offsets are committed', async () => {
      await this.#client.send(FindCoordinator, 4, { key: '', keyType: 0, coordinatorKeys: ['simple'] })
      return (await commitOffset(this.#client, { groupId: 'simple' }, 't', 0, 4)) === 'NONE'
    })
    await commitOffset(this.#client, { groupId: 'simple' }, 't', 1, 0)
    await commitOffset(this.#client, { groupId: 'simple' }, 'u', 0, 5)
    await commitOffset(this.#client, { groupId: 'second' }, 't', 0, 6)
    expect(await this.#classic.enter(this.#client, [0, 1])).to.equal('NONE')
    await waitFor('the other member has everything', async () => {
      expect(await this.#modern.beat(this.#client)).to.equal('NONE')
      return this.#modern.partitionCount === 4 && (await this.#modern.beat(this.#client)) === 'NONE'
    })
    for (const { committer } of [this.#classic, this.#modern]) {
      expect(await commitOffset(this.#client, committer, 't', 0, 7)).to.equal('NONE')
    }
  }

  /** Output and exit code of a tool, without what differs between any two brokers; lines sorted. */
  async ask(tool: string, command: string): Promise<string[]> {
    await Promise.all([this.#classic.beat(this.#client), this.#modern.beat(this.#client)])
    const args = ['--bootstrap-server', this.broker.bootstrap, ...command.split(' ')]
    const { code, stdout, stderr } = await this.#runner.run(tool, args)
    const lines = `${stdout}\n${stderr}`
      .replaceAll(wholeNumber(this.broker.port), 'PORT')
      .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, 'UUID')
      .split('\n')
      .map((line) => line.trim().replaceAll(/\s+/g, ' '))
    return [`exit code ${code}`, ...lines.filter((line) => line !== '' && !/^(at|\.\.\. \d+ more)/.test(line)).sort()]
  }
}

for (const version of ['4.4.0', '2.8.2']) {
  describe(`the tools for groups of ${version}, at Apache Kafka 4.4.0 and at Ottla`, function () {
    this.timeout(400_000)
    needs('java', 'maven')
    const folder = mkdtempSync(join(tmpdir(), 'ottla-groups-'))
    const file = join(folder, 'offsets.csv')
    let sides: readonly [Side, Side]

    before(async () => {
      writeFileSync(file, 't,0,3\nt,1,0\n')
      sides = await Promise.all([Side.start(apacheKafka, version), Side.start(ottla, version)])
      await Promise.all(sides.map((side) => side.fill()))
    })
    after(async () => {
      await Promise.all((sides ?? []).map((side) => side.close()))
      rmSync(folder, { recursive: true, force: true })
    })

    /** Runs all commands and reports the differences of all of them. */
    async function compare(tool: string, commands: readonly string[]): Promise<void> {
      const differing: unknown[] = []
      for (const command of commands) {
        const [kafka, own] = await Promise.all(sides.map((side) => side.ask(tool, command)))
        if (kafka!.join('\n') !== own!.join('\n')) differing.push({ command, kafka, own })
      }
      expect(differing).to.deep.equal([])
    }

    it('list and describe groups alike', () => compare('kafka-consumer-groups', describing(version)))
    if (!version.startsWith('2.')) {
      it('kafka-groups lists them alike', () => compare('kafka-groups', groupsTool))
      it('kafka-configs changes and shows their settings alike', () =>
        compare(
          'kafka-configs',
          configsTool.map((command) => `--entity-type groups ${command}`),
        ))
    }
    it('reset offsets alike', () => compare('kafka-consumer-groups', resetting(file)))
    it('delete offsets and groups alike', () => compare('kafka-consumer-groups', deleting))
  })
}
