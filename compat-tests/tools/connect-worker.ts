import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../free-port.ts'
import type { TestBroker } from '../test-broker.ts'
import { waitFor } from '../wait-for.ts'
import { wholeNumber } from './normalise.ts'
import { propertiesText, ToolProcess } from './tool-process.ts'

const START_MS = 120_000
const CONVERTERS = {
  'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
  'value.converter': 'org.apache.kafka.connect.storage.StringConverter',
}

/** A worker of Kafka Connect at one broker, with a folder for the files that its connectors read and write. */
export class ConnectWorker {
  /** What its REST interface answered, comparable with the answers of a worker at another broker. */
  readonly answers: string[] = []
  readonly #folder = mkdtempSync(join(tmpdir(), 'ottla-connect-'))
  readonly #version: string
  readonly #broker: TestBroker
  readonly #port: number
  #process: ToolProcess | undefined

  private constructor(version: string, broker: TestBroker, port: number) {
    this.#version = version
    this.#broker = broker
    this.#port = port
  }

  static async at(broker: TestBroker, version: string): Promise<ConnectWorker> {
    return new ConnectWorker(version, broker, await freePort())
  }

  async dispose(): Promise<void> {
    await this.stop('SIGKILL')
    rmSync(this.#folder, { recursive: true, force: true })
  }

  stop(signal?: NodeJS.Signals): Promise<void> {
    return this.#process?.stop(signal) ?? Promise.resolve()
  }

  /** Settings of a connector that writes the lines of the file NAME.txt to the topic NAME. */
  source(name: string): Record<string, string> {
    return {
      'connector.class': 'FileStreamSource',
      'tasks.max': '1',
      file: this.#file(`${name}.txt`),
      topic: name,
    }
  }

  /** Settings of one that writes the records of the topic to the file NAME.sink.txt. */
  sink(name: string): Record<string, string> {
    return {
      'connector.class': 'FileStreamSink',
      'tasks.max': '1',
      file: this.#file(`${name}.sink.txt`),
      topics: name,
    }
  }

  /** Starts connect-standalone with these connectors. */
  startStandalone(connectors: Readonly<Record<string, Record<string, string>>>): Promise<void> {
    const offsets = { 'offset.storage.file.filename': this.#file('offsets'), 'offset.flush.interval.ms': '500' }
    const files = Object.entries(connectors).map(([name, settings]) =>
      this.#write(`${name}.properties`, { name, ...settings }),
    )
    const worker = this.#write('worker.properties', { ...this.#common, ...offsets })
    return this.#start('connect-standalone', worker, ...files)
  }

  startDistributed(): Promise<void> {
    const topics = ['config', 'offset', 'status'].flatMap((each) => [
      [`${each}.storage.topic`, `connect-${each}s`],
      [`${each}.storage.replication.factor`, '1'],
    ])
    const own = { 'group.id': 'connect', 'offset.flush.interval.ms': '500', 'scheduled.rebalance.max.delay.ms': '0' }
    const worker = this.#write('worker.properties', { ...this.#common, ...own, ...Object.fromEntries(topics) })
    return this.#start('connect-distributed', worker)
  }

  get #common(): Record<string, string> {
    const listeners: Record<string, string> = this.#version.startsWith('2.')
      ? { 'rest.port': `${this.#port}`, 'rest.host.name': '127.0.0.1' }
      : { listeners: `http://127.0.0.1:${this.#port}` }
    // A task that is cancelled while it commits its offsets does the same work again.
    const patience = { 'task.shutdown.graceful.timeout.ms': '50000' }
    return { 'bootstrap.servers': this.#broker.bootstrap, ...listeners, ...patience, ...CONVERTERS }
  }

  async #start(tool: string, ...files: string[]): Promise<void> {
    const process = await ToolProcess.start(this.#version, tool, files, this.#folder)
    this.#process = process
    const isUp = async () => {
      process.expectAlive()
      return (await fetch(`http://127.0.0.1:${this.#port}/connectors`)).ok
    }
    await waitFor('the worker answers', isUp, START_MS)
  }

  append(name: string, lines: string): void {
    appendFileSync(this.#file(`${name}.txt`), lines)
  }

  /** Waits until the sink has written these lines and no others. */
  async written(name: string, lines: string): Promise<void> {
    const path = this.#file(`${name}.sink.txt`)
    const text = () => (existsSync(path) ? readFileSync(path, 'utf8') : '')
    await waitFor(`${name} has all lines`, () => text().length >= lines.length, START_MS)
    if (text() !== lines) throw new Error(`${name} has other lines: ${JSON.stringify(text())}`)
  }

  /** Sends a request and notes what was answered. */
  async ask(method: string, path: string, body?: unknown): Promise<void> {
    const { status, content } = await this.#send(method, path, body)
    this.answers.push(`${method} ${path}: ${status} ${this.#normalised(content)}`)
  }

  /** Sends it until the answer fits, and notes that one. */
  async askUntil(fits: (content: string) => boolean, method: string, path: string, body?: unknown): Promise<void> {
    let last = ''
    const isThere = async () => {
      last = (await this.#send(method, path, body)).content
      return fits(last)
    }
    await waitFor(`${method} ${path} is answered as expected`, isThere, START_MS)
    this.answers.push(`${method} ${path}: ${this.#normalised(last)}`)
  }

  async #send(method: string, path: string, body?: unknown): Promise<{ status: number; content: string }> {
    const headers = { 'content-type': 'application/json' }
    const url = `http://127.0.0.1:${this.#port}${path}`
    const answer = await fetch(url, { method, headers, body: JSON.stringify(body) })
    return { status: answer.status, content: await answer.text() }
  }

  #normalised(content: string): string {
    return content
      .replaceAll(this.#folder, 'FOLDER')
      .replaceAll(wholeNumber(this.#port), 'PORT')
      .replaceAll(this.#broker.bootstrap, 'BROKER')
      .replaceAll(/"kafka_cluster_id":"[^"]*"/g, '"kafka_cluster_id":"ID"')
      .replaceAll(/"last_modified":\d+/g, '"last_modified":TIME')
  }

  #write(name: string, settings: Readonly<Record<string, string>>): string {
    writeFileSync(this.#file(name), propertiesText(settings))
    return name
  }

  #file(name: string): string {
    return join(this.#folder, name)
  }
}
