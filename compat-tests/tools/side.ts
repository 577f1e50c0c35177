import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { AlterClientQuotas } from '../../protocol/apis/alter-client-quotas.ts'
import { DescribeClientQuotas } from '../../protocol/apis/describe-client-quotas.ts'
import { apacheKafka, CLUSTER_ID } from '../apache-kafka.ts'
import { type BrokerPlace, type BrokerProgram, ottlaCommand } from '../broker-program.ts'
import { ToolRunner } from '../console-tools/tool-runner.ts'
import { RawClient } from '../raw-client.ts'
import { TestBroker } from '../test-broker.ts'
import { waitFor } from '../wait-for.ts'
import { normalise } from './normalise.ts'
import { type ToolCase, words } from './tool-case.ts'

/** Output and exit code of a run, comparable with that at the other broker. */
export interface Outcome {
  readonly code: number | null
  readonly output: string
}

/** Ottla with the very file that Apache Kafka reads. */
export const ottlaLikeKafka: BrokerProgram = {
  command: async (place: BrokerPlace) => {
    await apacheKafka.command(place)
    return ottlaCommand('start', 'server.properties', '--override', `cluster.id=${CLUSTER_ID}`)
  },
  isReady: (output, { port }) => new RegExp(`127\\.0\\.0\\.1:${port}\\b.*\\d+ ms`).test(output),
}

const SETTINGS = {
  'auto.create.topics.enable': 'true',
  'group.consumer.session.timeout.ms': '60000',
  // Ottla's default for a single broker is one.
  'transaction.state.log.num.partitions': '50',
  // So that a transaction can hang: written to without its coordinator.
  'transaction.partition.verification.enable': 'false',
}

/** One broker and the JVM that runs the tools for it. */
export class Side {
  readonly broker: TestBroker
  readonly files: string
  #runner: ToolRunner
  readonly #version: string
  /** What cases have prepared: names in commands and the texts that they stand for. */
  #prepared: Readonly<Record<string, string>> = {}

  private constructor(broker: TestBroker, runner: ToolRunner, version: string) {
    this.#version = version
    this.broker = broker
    this.#runner = runner
    this.files = join(broker.directory, 'files')
  }

  /** Apache Kafka and Ottla, in this order. */
  static pair(version: string, files: Readonly<Record<string, string>>): Promise<Side[]> {
    return Promise.all([apacheKafka, ottlaLikeKafka].map((program) => Side.start(program, version, files)))
  }

  static async start(program: BrokerProgram, version: string, files: Readonly<Record<string, string>>): Promise<Side> {
    const starting = [TestBroker.start({ program, settings: SETTINGS }), ToolRunner.start(version)] as const
    const [broker, runner] = await Promise.all(starting)
    const side = new Side(broker, runner, version)
    mkdirSync(side.files)
    for (const [name, content] of Object.entries(files)) writeFileSync(join(side.files, name), side.#filled(content))
    return side
  }

  async close(): Promise<void> {
    await Promise.all([this.#runner.close(), this.broker.dispose()])
  }

  async run({ command, input, prepare, normalise: which }: ToolCase): Promise<Outcome> {
    if (prepare !== undefined) this.#prepared = { ...this.#prepared, ...(await prepare(this.broker.port)) }
    const [tool, ...args] = words(command).map((word) => this.#filled(word))
    try {
      const { code, stdout, stderr } = await this.#runner.run(tool!, args, { input })
      return { code, output: normalise(`${stdout}\n${stderr}`, this.#own, which) }
    } catch (error) {
      // It did not end, and its JVM is gone. The others can still be compared.
      await this.#runner.close()
      this.#runner = await ToolRunner.start(this.#version)
      return { code: null, output: String(error) }
    }
  }

  /**
   * Waits until what tools changed so far has taken effect. Kafka's broker shows a change, then applies it, then shows the
   * next one: a quota is set, and removed again.
   */
  async changesAreApplied(): Promise<void> {
    const entity = [{ entityType: 'user', entityName: 'barrier' }]
    const components = [{ entityType: 'user', matchType: 0, match: 'barrier' }]
    const client = await RawClient.connect(this.broker.port)
    try {
      for (const remove of [false, true]) {
        const ops = [{ key: 'producer_byte_rate', value: 1e9, remove }]
        await client.send(AlterClientQuotas, 1, { entries: [{ entity, ops }], validateOnly: false })
        await waitFor('the change is seen', async () => {
          const { entries } = await client.send(DescribeClientQuotas, 1, { components, strict: true })
          return entries?.length === (remove ? 0 : 1)
        })
      }
    } finally {
      client.close()
    }
  }

  #filled(text: string): string {
    const { bootstrap, dataDir, secondPort } = this.broker
    return Object.entries(this.#prepared)
      .reduce((filled, [name, value]) => filled.replaceAll(name, value), text)
      .replaceAll('BROKER', bootstrap)
      .replaceAll('CONTROLLER', `127.0.0.1:${secondPort}`)
      .replaceAll('FILES', this.files)
      .replaceAll('DATA', dataDir)
  }

  get #own(): readonly (readonly [string, string])[] {
    const { dataDir, directory, port } = this.broker
    return [
      [dataDir, 'DATA'],
      [directory, 'FOLDER'],
      [String(port), 'PORT'],
      [String(this.broker.secondPort), 'CONTROLLERPORT'],
    ]
  }
}
