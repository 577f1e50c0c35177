import { BufferPool } from '../../protocol/buffer-pool.ts'
import { ByteReader } from '../../protocol/byte-reader.ts'
import { decode } from '../../protocol/codegen.ts'
import { FrameReader } from '../../protocol/frame.ts'
import { readResponseHeader } from '../../protocol/headers.ts'
import type { ApiSchema, Fields, InputValue, ValueOf } from '../../protocol/schema.ts'
import type { SimulatedConnection } from '../../src/network/simulated-transport.ts'
import { requestFrame } from '../raw-client.ts'
import { ConnectionLost, type SimulatedBroker } from './simulated-broker.ts'
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
  #connection: SimulatedConnection | undefined
  #waiting: Waiting[] = []
  #correlationId = 0
  /** A request was sent whose failure closes the connection. */
  #mayBeClosed = false
  #isLeaving = false

  constructor(broker: SimulatedBroker, name: string) {
    this.#broker = broker
    this.#name = name
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

  #open(): SimulatedConnection {
    if (this.#connection !== undefined) return this.#connection
    const frames = new FrameReader(new BufferPool(), 0x7fffffff, ({ bytes }) => this.#answered(Buffer.from(bytes)))
    this.#mayBeClosed = false
    this.#connection = this.#broker.connect({
      onBytes: (chunk) => frames.push(chunk),
      onClose: () => this.#closed(this.#broker.isServing && !this.#mayBeClosed && !this.#isLeaving),
    })
    return this.#connection
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
