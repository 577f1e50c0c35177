import { runKafkaTool } from '../kafka-tool.ts'
import type { CommandOptions, CommandResult } from '../run-command.ts'

/** The stock command-line tools of one version of Apache Kafka, pointed at one broker. */
export class ConsoleTools {
  readonly #version: string
  readonly #bootstrap: string

  constructor(version: string, bootstrap: string) {
    this.#version = version
    this.#bootstrap = bootstrap
  }

  /** kafka-console-producer; each line of the input is a record. Its exit code is 0 even if records were refused. */
  async produce(topic: string, options: CommandOptions, ...args: string[]): Promise<CommandResult> {
    return this.#run('kafka-console-producer', [this.#brokerList, this.#bootstrap, '--topic', topic, ...args], options)
  }

  /** What kafka-console-producer says of records that are refused; it shows that only when it waits for each of them. */
  async produceFail(topic: string, input: string): Promise<string> {
    const args = [this.#brokerList, this.#bootstrap, '--topic', topic, '--sync']
    const result = await runKafkaTool(this.#version, 'kafka-console-producer', args, { input })
    return result.stdout + result.stderr
  }

  /** kafka-console-consumer from the beginning of the topic. */
  async consume(topic: string, args: string[], options: CommandOptions = {}): Promise<CommandResult> {
    const common = ['--bootstrap-server', this.#bootstrap, '--topic', topic, '--from-beginning']
    return this.#run('kafka-console-consumer', [...common, ...args], options)
  }

  async topics(...args: string[]): Promise<CommandResult> {
    return this.#run('kafka-topics', ['--bootstrap-server', this.#bootstrap, ...args])
  }

  /** What kafka-topics says when it refuses to do as it is told. */
  async topicsFail(...args: string[]): Promise<string> {
    const result = await runKafkaTool(this.#version, 'kafka-topics', ['--bootstrap-server', this.#bootstrap, ...args])
    if (result.code === 0) throw new Error(`kafka-topics ${args.join(' ')} did not fail:\n${result.stdout}`)
    return result.stdout + result.stderr
  }

  async groups(...args: string[]): Promise<CommandResult> {
    return this.#run('kafka-consumer-groups', ['--bootstrap-server', this.#bootstrap, ...args])
  }

  /** The broker list is what tutorials of ten years say; newer tools have only the other name. */
  get #brokerList(): string {
    return this.#version.startsWith('4.') ? '--bootstrap-server' : '--broker-list'
  }

  async #run(tool: string, args: string[], options: CommandOptions = {}): Promise<CommandResult> {
    const result = await runKafkaTool(this.#version, tool, args, options)
    if (result.code !== 0) {
      throw new Error(`${tool} ${args.join(' ')}: exit code ${result.code}\n${result.stdout}\n${result.stderr}`)
    }
    return result
  }
}
