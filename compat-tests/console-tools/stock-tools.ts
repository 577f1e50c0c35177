import { runKafkaTool } from '../kafka-tool.ts'
import type { CommandResult } from '../run-command.ts'
import type { ToolOptions } from './tool-runner.ts'

/** Runs a tool to its end, whatever its exit code. */
interface RunsTools {
  run(tool: string, args: readonly string[], options?: ToolOptions): Promise<CommandResult>
}

/**
 * kafka-console-producer gives up a record after three attempts, and sends it again after 1.5 s without an answer; before
 * 3.0 it is then stored twice. With these arguments it does neither on a slow machine.
 */
export const PATIENT_PRODUCER = ['--request-timeout-ms', '60000', '--message-send-max-retries', '1000']

/** The stock command-line tools of one version of Apache Kafka, for one broker. */
export class ConsoleTools {
  readonly #version: string
  readonly #bootstrap: string
  readonly #runner: RunsTools

  /** Each tool runs in its own JVM, as for a user, unless a runner is given. */
  constructor(version: string, bootstrap: string, runner?: RunsTools) {
    this.#version = version
    this.#bootstrap = bootstrap
    this.#runner = runner ?? { run: (tool, args, options) => runKafkaTool(version, tool, args, options) }
  }

  /** kafka-console-producer; each line of the input is a record. Its exit code is 0 even if records were refused. */
  async produce(topic: string, options: ToolOptions, ...args: string[]): Promise<CommandResult> {
    const common = [this.#brokerList, this.#bootstrap, '--topic', topic, ...PATIENT_PRODUCER]
    return this.#run('kafka-console-producer', [...common, ...args], options)
  }

  /** Error output of kafka-console-producer for refused records, which it prints only if it waits for each record. */
  async produceFail(topic: string, input: string): Promise<string> {
    const args = [this.#brokerList, this.#bootstrap, '--topic', topic, '--sync']
    const result = await this.#runner.run('kafka-console-producer', args, { input })
    return result.stdout + result.stderr
  }

  /** kafka-console-consumer from the beginning of the topic. */
  async consume(topic: string, args: string[], options: ToolOptions = {}): Promise<CommandResult> {
    const common = [...this.#newConsumer, '--bootstrap-server', this.#bootstrap, '--topic', topic, '--from-beginning']
    return this.#run('kafka-console-consumer', [...common, ...args], options)
  }

  /** Consumer arguments for a property of the record formatter; the option was renamed in 4.2. */
  formatted(property: string): string[] {
    return [this.#version.startsWith('4.') ? '--formatter-property' : '--property', property]
  }

  /** Output of kafka-producer-perf-test: records of 100 bytes, as fast as possible. */
  async producerPerf(topic: string, count: number): Promise<string> {
    const how = [
      '--record-size',
      '100',
      '--throughput',
      '-1',
      '--producer-props',
      `bootstrap.servers=${this.#bootstrap}`,
    ]
    return (await this.#run('kafka-producer-perf-test', ['--topic', topic, '--num-records', String(count), ...how]))
      .stdout
  }

  /** Output of kafka-consumer-perf-test: a line with the names of the columns, one with their values. */
  async consumerPerf(topic: string, count: number): Promise<string> {
    const broker = this.#isBefore1
      ? ['--new-consumer', '--broker-list']
      : [this.#version.startsWith('1.') ? '--broker-list' : '--bootstrap-server']
    const args = [...broker, this.#bootstrap, '--topic', topic, '--messages', String(count)]
    return (await this.#run('kafka-consumer-perf-test', args)).stdout
  }

  async topics(...args: string[]): Promise<CommandResult> {
    return this.#run('kafka-topics', ['--bootstrap-server', this.#bootstrap, ...args])
  }

  /** Error output of kafka-topics for a refused command. */
  async topicsFail(...args: string[]): Promise<string> {
    const result = await this.#runner.run('kafka-topics', ['--bootstrap-server', this.#bootstrap, ...args])
    if (result.code === 0) throw new Error(`kafka-topics ${args.join(' ')} did not fail:\n${result.stdout}`)
    return result.stdout + result.stderr
  }

  async groups(...args: string[]): Promise<CommandResult> {
    return this.#run('kafka-consumer-groups', [...this.#newConsumer, '--bootstrap-server', this.#bootstrap, ...args])
  }

  /** Ten years of tutorials use the broker list option; newer tools have only the other name. */
  get #brokerList(): string {
    return this.#version.startsWith('4.') ? '--bootstrap-server' : '--broker-list'
  }

  /** Tools of 0.9 and 0.10 use ZooKeeper by default. */
  get #newConsumer(): string[] {
    return this.#isBefore1 ? ['--new-consumer'] : []
  }

  get #isBefore1(): boolean {
    return this.#version.startsWith('0.')
  }

  async #run(tool: string, args: string[], options: ToolOptions = {}): Promise<CommandResult> {
    const result = await this.#runner.run(tool, args, options)
    if (result.code !== 0) {
      throw new Error(`${tool} ${args.join(' ')}: exit code ${result.code}\n${result.stdout}\n${result.stderr}`)
    }
    return result
  }
}
