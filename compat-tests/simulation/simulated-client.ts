import { BufferPool } from '../../protocol/buffer-pool.ts'
import { ByteReader } from '../../protocol/byte-reader.ts'
import { decode } from '../../protocol/codegen.ts'
import { FrameReader } from '../../protocol/frame.ts'
import { readResponseHeader } from '../../protocol/headers.ts'
import type { ApiSchema, Fields, InputValue, ValueOf } from '../../protocol/schema.ts'
import { requestFrame } from '../raw-client.ts'
import { type ClientConnection, ConnectionLost, FIRST_NODE, type SimulatedBroker } from './simulated-broker.ts'
import { CheckFailed, check } from './storage-model.ts'

interface Waiting {
  readonly name: string
  readonly correlationId: number
  readonly resolve: (answer: Buffer) => void
  readonly reject: (error: Error) => void
}

/**
 * A client with one connection, opened when needed. Several requests may be in flight; responses come in their order.
 * If the connection is lost, waiting requests get ConnectionLost, or CheckFailed if the broker closed it without reason.
 */
export class SimulatedClient {
  readonly #broker: SimulatedBroker
  readonly #name: string
  readonly #nodeId: number
  readonly #isReliable: boolean
  #connection: ClientConnection | undefined
  #waiting: Waiting[] = []
  #correlationId = 0
  /** A request was sent whose failure closes the connection. */
  #mayBeClosed = false
  #isLeaving = false

  /** isReliable: its connection meets no network faults. */
  constructor(broker: SimulatedBroker, name: string, { nodeId = FIRST_NODE, isReliable = false } = {}) {
    this.#broker = broker
    this.#name = name
    this.#nodeId = nodeId
    this.#isReliable = isReliable
  }

  async ask<Q extends Fields, S extends Fields>(
    api: ApiSchema<Q, S>,
    version: number,
    request: InputValue<Q>,
  ): Promise<ValueOf<S>> {
    const connection = this.#open()
    const correlationId = ++this.#correlationId
    const answer = await new Promise<Buffer>((resolve, reject) => {
      this.#waiting.push({ name: api.name, correlationId, resolve, reject })
      connection.send(requestFrame(api, version, request, { correlationId, clientId: this.#name }))
    })
    const reader = new ByteReader(answer)
    readResponseHeader(reader, api, version)
    return decode(api.response, version, reader) as ValueOf<S>
  }

  /** Sends a request without a response. */
  tell<Q extends Fields, S extends Fields>(api: ApiSchema<Q, S>, version: number, request: InputValue<Q>): void {
    const connection = this.#open()
    this.#mayBeClosed = true
    const correlationId = ++this.#correlationId
    connection.send(requestFrame(api, version, request, { correlationId, clientId: this.#name }))
  }

  /** Closes the connection abruptly. */
  close(): void {
    this.#isLeaving = true
    this.#connection?.close()
    this.#isLeaving = false
  }

  #open(): ClientConnection {
    if (this.#connection !== undefined) return this.#connection
    const frames = new FrameReader(new BufferPool(), 0x7fffffff, ({ bytes }) => this.#answered(Buffer.from(bytes)))
    this.#mayBeClosed = false
    const client = { onBytes: (chunk: Buffer) => frames.push(chunk), onClose: () => this.#closed(this.#isCutOff) }
    this.#connection = this.#broker.connectTo(this.#nodeId, client, { isReliable: this.#isReliable })
    return this.#connection
  }

  /** Whether nothing explains the end of the connection. */
  get #isCutOff(): boolean {
    const isFounded = this.#mayBeClosed || this.#isLeaving || this.#connection?.wasCut === true
    return this.#broker.serves(this.#nodeId) && !isFounded
  }

  #answered(answer: Buffer): void {
    const next = this.#waiting.shift()
    check(next !== undefined, `${this.#name} got an answer to nothing`)
    const correlationId = answer.readInt32BE(0)
    check(correlationId === next.correlationId, `${this.#name} waited for ${next.correlationId}, not ${correlationId}`)
    next.resolve(answer)
  }

  #closed(isUnfounded: boolean): void {
    this.#connection = undefined
    for (const { name, reject } of this.#waiting.splice(0)) {
      reject(isUnfounded ? new CheckFailed(`${this.#name} was cut off in ${name}`) : new ConnectionLost())
    }
  }
}
