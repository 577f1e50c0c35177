import { ByteReader } from '../../protocol/byte-reader.ts'
import { contiguous } from '../../protocol/byte-writer.ts'
import { decode, encode } from '../../protocol/codegen.ts'
import { frameOf } from '../../protocol/frame.ts'
import { readResponseHeader, writeRequestHeader } from '../../protocol/headers.ts'
import type { ApiSchema } from '../../protocol/schema.ts'
import { Cluster } from '../../src/cluster.ts'
import { startSettingsOf } from '../../src/config/start-settings.ts'
import { SimulatedTransport } from '../../src/network/simulated-transport.ts'
import type { Host } from '../../storage/host/host.ts'
import { SimulatedHost } from '../../storage/host/simulated-host.ts'
import { threadClock } from '../thread-time.ts'

/** Cost of some work, in milliseconds of processor time of the event loop's thread: other processes do not count. */
export interface Turns {
  readonly longestMs: number
  readonly totalMs: number
  readonly count: number
}

const properties = {
  'log.dirs': '/data',
  listeners: 'PLAINTEXT://:9092',
  'offsets.topic.num.partitions': '1',
  'group.initial.rebalance.delay.ms': '0',
}

/** A whole broker on a simulated machine that measures its turns. */
export class MeasuredBroker {
  readonly host: SimulatedHost
  readonly complaints: string[] = []
  readonly #broker: Cluster
  #turns = { longestMs: 0, totalMs: 0, count: 0 }

  /** changes: further settings. host: a machine on which an earlier broker has stopped. */
  constructor(changes: Readonly<Record<string, string>> = {}, host = new SimulatedHost(1)) {
    this.host = host
    const error = (fields: { err?: Error }, message: string) =>
      this.complaints.push(`${message}: ${fields.err?.stack ?? JSON.stringify(fields)}`)
    const logger = { error, warn: error, info() {}, debug() {} }
    const settings = startSettingsOf(new Map(Object.entries({ ...properties, ...changes })))
    const { timers, clock } = this.host
    this.host.processorMs = threadClock()
    // Without threads, the loop does all work: the turns include it.
    const offload = { decompress: () => undefined, compress: () => undefined }
    const machine: Host = { ...this.host, offload, clock: { nowMs: clock.nowMs, monotonicMs: () => this.#clockMs() } }
    this.#broker = new Cluster(settings, machine, new SimulatedTransport(timers), logger)
    this.host.onTurn = (cpuMs) => {
      const { longestMs, totalMs, count } = this.#turns
      this.#turns = { longestMs: Math.max(longestMs, cpuMs), totalMs: totalMs + cpuMs, count: count + 1 }
    }
  }

  /** Virtual time stands still within a turn, but slices must end as on a real machine. */
  #clockMs(): number {
    return this.host.clock.monotonicMs() + this.host.processorMs()
  }

  start(): Promise<Turns> {
    return this.measured(() => this.#broker.start())
  }

  stop(): Promise<Turns> {
    return this.measured(() => this.#broker.stop())
  }

  /** The decoded response to a request. */
  async ask(api: ApiSchema, version: number, body: object): Promise<Record<string, unknown>> {
    return decoded(api, version, (await this.host.settle(this.#broker.first.inject(message(api, version, body))))!)
  }

  /** Cost of a request until its response, and of the work left after it. */
  async measure(api: ApiSchema, version: number, body: object): Promise<Turns & { readonly requestBytes: number }> {
    const bytes = message(api, version, body)
    const turns = await this.measured(() => this.#send(bytes))
    return { ...turns, requestBytes: bytes.length }
  }

  /** Sends a request in a turn of its own. The decoded response; all sends of a `measured` run at the same time. */
  async send(api: ApiSchema, version: number, body: object): Promise<Record<string, unknown>> {
    return decoded(api, version, await this.#send(message(api, version, body)))
  }

  #send(bytes: Buffer): Promise<Buffer> {
    // A request over a connection begins in a turn of its own.
    return new Promise((resolve, reject) => {
      this.host.timers.atTurnEnd(() => {
        this.#broker.first.inject(bytes).then((answer) => resolve(answer!), reject)
      })
    })
  }

  /** Cost of some work: all turns until it is done, and those shortly after it. */
  async measured(work: () => Promise<unknown>): Promise<Turns> {
    this.#turns = { longestMs: 0, totalMs: 0, count: 0 }
    await this.host.settle(Promise.resolve(work()))
    await this.host.advance(100)
    return this.#turns
  }
}

function decoded(api: ApiSchema, version: number, answer: Buffer): Record<string, unknown> {
  const reader = new ByteReader(answer)
  readResponseHeader(reader, api, version)
  return decode(api.response, version, reader)
}

function message(api: ApiSchema, apiVersion: number, body: object): Buffer {
  const frame = frameOf((writer) => {
    writeRequestHeader(writer, api, { apiVersion, correlationId: 1, clientId: 'large' })
    encode(api.request, apiVersion, body as never, writer)
  })
  return Buffer.from(contiguous(frame).subarray(4))
}
