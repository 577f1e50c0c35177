import type { ApiSchema, Fields, InputValue, ValueOf } from '../../protocol/schema.ts'
import type { ToolRunner } from '../console-tools/tool-runner.ts'
import { type Exchange, type Loose, type Send, Transcript } from '../differential/transcript.ts'
import { RawClient } from '../raw-client.ts'
import { type Normalisation, normalise } from '../tools/normalise.ts'
import { words } from '../tools/tool-case.ts'
import type { ThreeBrokers } from './three-brokers.ts'

export interface ToolOptions {
  readonly which?: readonly Normalisation[]
  readonly input?: string
  /** Replaces what may differ in this output alone. */
  readonly mask?: (output: string) => string
}

/** One of the two clusters, and what it answered in the current scenario. */
export class Side {
  readonly cluster: ThreeBrokers
  /** Folder of the files that tools read. */
  readonly files: string
  readonly #runner: ToolRunner
  #transcript: Transcript
  readonly #clients = new Map<number, Promise<RawClient>>()

  constructor(cluster: ThreeBrokers, runner: ToolRunner, files: string) {
    this.cluster = cluster
    this.files = files
    this.#runner = runner
    this.#transcript = this.#newTranscript()
  }

  /** Answers since the last call. */
  takeExchanges(): Exchange[] {
    const { exchanges } = this.#transcript
    this.#transcript = this.#newTranscript()
    return exchanges
  }

  /** Sends requests to this broker. The answer is compared unless the text begins with '~'. */
  at(nodeId: number): Send {
    return async (api, version, what, ...rest) => {
      const client = await this.#client(nodeId)
      const send = this.#transcript.sender(client)
      return send(api, version, what.startsWith('~') ? what : `${what}, at broker ${nodeId}`, ...rest)
    }
  }

  /** The same request to each running broker. */
  async atEach<Q extends Fields, S extends Fields>(
    api: ApiSchema<Q, S>,
    version: number,
    what: string,
    request: Loose<InputValue<Q>>,
    part?: (answer: ValueOf<S>) => unknown,
  ): Promise<void> {
    for (const nodeId of this.running) await this.at(nodeId)(api, version, what, request, part)
  }

  /** Node ids of the running brokers, smallest first. */
  get running(): readonly number[] {
    return [...this.cluster.running].sort()
  }

  /** Keeps something that was found out, to be compared. */
  note(label: string, answer: unknown): void {
    this.#transcript.exchanges.push({ label, answer })
  }

  /**
   * Runs a stock tool and keeps its output and exit code. In the command B1, B2 and B3 stand for the addresses of the
   * brokers, FILES for the folder of the files.
   */
  async tool(command: string, options: ToolOptions = {}): Promise<void> {
    const { code, output } = await this.quietTool(command, options)
    this.note(command, [`exit code ${code}`, ...output.split('\n')])
  }

  /** The same without a comparison. */
  async quietTool(command: string, { which, input, mask = (text) => text }: ToolOptions = {}) {
    const [tool, ...args] = words(command).map((word) => this.filled(word))
    const { code, stdout, stderr } = await this.#runner.run(tool!, args, { input })
    return { code, output: mask(normalise(`${stdout}\n${stderr}`, this.own, which)) }
  }

  close(): void {
    for (const client of this.#clients.values()) client.then((open) => open.close()).catch(() => {})
    this.#clients.clear()
  }

  #newTranscript(): Transcript {
    return new Transcript(new Map([...this.cluster.ports].map(([nodeId, port]) => [port, `port of ${nodeId}`])))
  }

  async #client(nodeId: number): Promise<RawClient> {
    const known = this.#clients.get(nodeId)
    if (known !== undefined) {
      const client = await known.catch(() => undefined)
      if (client !== undefined && !client.socket.destroyed) return client
    }
    const opened = RawClient.connect(this.cluster.ports.get(nodeId)!)
    this.#clients.set(nodeId, opened)
    return opened
  }

  /** The text with this side's addresses and folder. */
  filled(text: string): string {
    return text
      .replaceAll('FILES', this.files)
      .replace(/\bB([123])\b/g, (_, nodeId) => `127.0.0.1:${this.cluster.ports.get(Number(nodeId))}`)
  }

  /** Texts of this side, and what each is called in outputs. */
  get own(): readonly (readonly [string, string])[] {
    return [...[...this.cluster.ports].map(([id, port]) => [String(port), `PORT${id}`] as const), [this.files, 'FILES']]
  }
}
