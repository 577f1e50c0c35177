import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { apacheKafka } from '../apache-kafka.ts'
import { type BrokerProgram, ottla } from '../broker-program.ts'
import { PATIENT_PRODUCER } from '../console-tools/stock-tools.ts'
import { ToolRunner } from '../console-tools/tool-runner.ts'
import { needs } from '../requirements.ts'
import type { CommandResult } from '../run-command.ts'
import { TestBroker } from '../test-broker.ts'
import { waitFor } from '../wait-for.ts'

const VERSIONS = ['4.4.0', '2.8.2']

/** A broker with the data directories `a`, which has its metadata, and `b`. */
class Contender {
  readonly folder = mkdtempSync(join(tmpdir(), 'ottla-log-dirs-'))
  broker!: TestBroker

  async start(program: BrokerProgram): Promise<this> {
    for (const name of ['a', 'b']) mkdirSync(join(this.folder, name))
    const impatient = ['default.api.timeout.ms=3000', 'request.timeout.ms=3000']
    writeFileSync(join(this.folder, 'impatient.properties'), impatient.join('\n'))
    this.broker = await TestBroker.start({ program, settings: this.#settings })
    return this
  }

  /** Starts another program on the same directories, as they are. */
  async startWith({ prepare: _, ...program }: BrokerProgram): Promise<void> {
    await this.broker.dispose()
    this.broker = await TestBroker.start({ program, settings: this.#settings })
  }

  get #settings(): Record<string, string> {
    const dirs = ['a', 'b'].map((name) => join(this.folder, name))
    return { 'log.dirs': dirs.join(','), 'metadata.log.dir': dirs[0]!, 'num.partitions': '1' }
  }

  async run(runner: ToolRunner, tool: string, args: readonly string[], input = ''): Promise<CommandResult> {
    const own = args.map((arg) => arg.replaceAll('BOOTSTRAP', this.broker.bootstrap).replaceAll('FOLDER', this.folder))
    return runner.run(tool, own, { input, timeoutMs: 120_000 })
  }

  /** The assignment file of kafka-reassign-partitions: partition 0 of the topic goes to that directory. */
  plan(topic: string, directory: string, partition = 0): void {
    const partitions = [{ topic, partition, replicas: [1], log_dirs: [directory] }]
    writeFileSync(join(this.folder, 'plan.json'), JSON.stringify({ version: 1, partitions }))
  }

  async dispose(): Promise<void> {
    await this.broker?.dispose()
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** Runs a tool against each, one after the other. */
async function atEach(contenders: readonly Contender[], runner: ToolRunner, tool: string, args: readonly string[]) {
  const results = []
  for (const each of contenders) results.push(normalised(await each.run(runner, tool, args), each))
  return results
}

/** Exit code and lines, without what differs from run to run. */
function normalised({ code, stdout, stderr }: CommandResult, { folder, broker }: Contender) {
  const lines = `${stdout}\n${stderr}`
    .replaceAll(folder, 'FOLDER')
    .replaceAll(broker.bootstrap, 'BOOTSTRAP')
    .replaceAll(/\b\d{13}\b/g, 'TIME')
    .split('\n')
    .map((line) => (line.startsWith('{"') ? described(line) : line.trim()))
    .filter((line) => line !== '' && !/^\[?\d{4}-\d\d-\d\d|^at |^SLF4J|^WARNING|^log4j:/.test(line))
  return { code, lines }
}

/** The JSON of kafka-log-dirs in a fixed order, without the sizes of the disk. */
function described(json: string): string {
  const parsed = JSON.parse(json)
  if (!Array.isArray(parsed.brokers)) return json
  for (const broker of parsed.brokers) {
    broker.logDirs.sort((one: { logDir: string }, other: { logDir: string }) => (one.logDir < other.logDir ? -1 : 1))
    for (const directory of broker.logDirs) {
      directory.partitions.sort((one: { partition: string }, other: { partition: string }) =>
        one.partition < other.partition ? -1 : 1,
      )
      for (const key of ['totalBytes', 'usableBytes']) delete directory[key]
      // Times between the records are in the batch, in as few bytes as they need.
      for (const partition of directory.partitions) partition.size = partition.size > 0 ? 'some' : 0
    }
  }
  return JSON.stringify(parsed)
}

/** The directory that the JSON of kafka-log-dirs has the partition in. */
function directoryWith(name: string, lines: readonly string[]): string | undefined {
  const { brokers } = JSON.parse(lines.find((line) => line.startsWith('{"')) ?? '{"brokers":[]}')
  const directories: { logDir: string; partitions: { partition: string }[] }[] = brokers[0]?.logDirs ?? []
  return directories.find(({ partitions }) => partitions.some(({ partition }) => partition === name))?.logDir
}

describe('tools for data directories, against Ottla and Apache Kafka', function () {
  needs('java', 'maven')
  this.timeout(400_000)
  let contenders: Contender[] = []

  before(async () => {
    contenders = [new Contender(), new Contender()]
    await Promise.all([contenders[0]!.start(ottla), contenders[1]!.start(apacheKafka)])
  })
  after(() => Promise.all(contenders.map((each) => each.dispose())))

  for (const version of VERSIONS) {
    describe(`kafka-log-dirs and kafka-reassign-partitions of ${version}`, () => {
      const topic = `moved-${version}`
      let runner: ToolRunner
      before(async () => {
        runner = await ToolRunner.start(version)
      })
      after(() => runner?.close())

      /** Runs a tool against both; their results must be equal. Returns the lines. */
      async function both(tool: string, ...args: string[]): Promise<readonly string[]> {
        const results = await atEach(contenders, runner, tool, args)
        expect(results[0], `${tool} ${args.join(' ')}`).to.deep.equal(results[1])
        return results[0]!.lines
      }

      const describeDirs = (...args: string[]) =>
        both('kafka-log-dirs', '--bootstrap-server', 'BOOTSTRAP', '--describe', ...args)
      const reassign = (...args: string[]) =>
        both(
          'kafka-reassign-partitions',
          '--bootstrap-server',
          'BOOTSTRAP',
          '--reassignment-json-file',
          'FOLDER/plan.json',
          ...args,
        )
      const plan = (name: string, directory: string) => {
        for (const each of contenders) each.plan(name, directory.replace('FOLDER', each.folder))
      }

      /** Waits until the tool says that the move is over in both. */
      async function verified(): Promise<void> {
        for (const each of contenders) {
          const args = ['--bootstrap-server', 'BOOTSTRAP', '--reassignment-json-file', 'FOLDER/plan.json', '--verify']
          await waitFor(
            'the partition has moved',
            async () =>
              !(await each.run(runner, 'kafka-reassign-partitions', args)).stdout.includes('still in progress'),
            60_000,
          )
        }
      }

      it('move a partition with its records there and back, and show where it is', async () => {
        await both('kafka-topics', '--bootstrap-server', 'BOOTSTRAP', '--create', '--topic', topic, '--partitions', '1')
        for (const each of contenders) {
          const where = ['--bootstrap-server', 'BOOTSTRAP', '--topic', topic]
          const args = version.startsWith('2.') ? ['--broker-list', 'BOOTSTRAP', '--topic', topic] : where
          const produced = await each.run(
            runner,
            'kafka-console-producer',
            [...args, ...PATIENT_PRODUCER],
            'one\ntwo\nthree\n',
          )
          expect(produced.code, produced.stderr).to.equal(0)
        }
        for (const directory of ['FOLDER/b', 'FOLDER/a', 'FOLDER/b']) {
          plan(topic, directory)
          await reassign('--execute')
          await verified()
          await reassign('--verify')
          const lines = await describeDirs('--topic-list', topic)
          expect(directoryWith(`${topic}-0`, lines)).to.equal(directory)
        }
        const consume = ['--bootstrap-server', 'BOOTSTRAP', '--topic', topic, '--from-beginning', '--max-messages', '3']
        expect((await both('kafka-console-consumer', ...consume)).slice(0, 3)).to.deep.equal(['one', 'two', 'three'])
      })

      it('refuse a directory that the broker does not have, and a topic that does not exist', async () => {
        plan(topic, 'FOLDER/nowhere')
        await reassign('--execute')
        await reassign('--verify')
        plan(`absent-${version}`, 'FOLDER/b')
        await reassign('--execute')
        await reassign('--verify')
      })

      it('say so where the partition is in another directory than the file says', async () => {
        plan(topic, 'FOLDER/a')
        await reassign('--verify')
      })

      it('answer bad arguments', async () => {
        // The tool of 2.8.2 asks for a broker that is not there until its time is over.
        await describeDirs('--broker-list', '9', '--command-config', 'FOLDER/impatient.properties')
        await describeDirs('--topic-list', 'absent')
        await both('kafka-log-dirs', '--describe')
        await both('kafka-log-dirs', '--bootstrap-server', 'BOOTSTRAP')
        await reassign('--execute', '--verify')
        await reassign('--execute', '--replica-alter-log-dirs-throttle', 'fast')
      })

      it('throttle a move, and take the throttle away when it is over', async () => {
        plan(topic, 'FOLDER/a')
        await reassign('--execute', '--replica-alter-log-dirs-throttle', '1000000')
        await verified()
        await reassign('--verify')
      })
    })
  }

  describe('directories with moved partitions', () => {
    let runner: ToolRunner
    before(async () => {
      runner = await ToolRunner.start('4.4.0')
    })
    after(() => runner?.close())

    const each = async (tool: string, ...args: string[]): Promise<readonly string[][]> => {
      const results = await atEach(contenders, runner, tool, ['--bootstrap-server', 'BOOTSTRAP', ...args])
      return results.map(({ lines }) => lines)
    }
    const places = async () => {
      const [ours, theirs] = await each('kafka-log-dirs', '--describe')
      return VERSIONS.map((version) => [ours!, theirs!].map((lines) => directoryWith(`moved-${version}-0`, lines)))
    }

    it('are taken over by the other broker, and given back', async () => {
      const before = await places()
      expect(before).to.deep.equal(VERSIONS.map(() => ['FOLDER/a', 'FOLDER/a']))
      for (const programs of [
        [apacheKafka, ottla],
        [ottla, apacheKafka],
      ] as const) {
        for (const [index, contender] of contenders.entries()) {
          await contender.broker.stop()
          await contender.startWith(programs[index]!)
        }
        expect(await places()).to.deep.equal(before)
        for (const version of VERSIONS) {
          const args = ['--topic', `moved-${version}`, '--from-beginning', '--max-messages', '3']
          for (const lines of await each('kafka-console-consumer', ...args))
            expect(lines.slice(0, 3)).to.deep.equal(['one', 'two', 'three'])
        }
      }
    })
  })

  describe('kafka-log-dirs of 4.4.0', () => {
    it('show the error of a directory that cannot be used', async () => {
      const runner = await ToolRunner.start('4.4.0')
      try {
        for (const each of contenders) {
          await each.broker.stop()
          rmSync(join(each.folder, 'b'), { recursive: true })
          writeFileSync(join(each.folder, 'b'), 'no directory')
          await each.broker.restart()
        }
        const args = ['--bootstrap-server', 'BOOTSTRAP', '--describe', '--topic-list', 'absent']
        const results = await atEach(contenders, runner, 'kafka-log-dirs', args)
        expect(results[0]).to.deep.equal(results[1])
        expect(results[0]!.lines.join('\n')).to.match(/"error":"org.apache.kafka.common.errors.KafkaStorageException"/)
      } finally {
        await runner.close()
      }
    })
  })
})
