import { connect, type Socket } from 'node:net'
import { BufferPool, type Lease } from '../protocol/buffer-pool.ts'
import { ByteReader } from '../protocol/byte-reader.ts'
import { contiguous } from '../protocol/byte-writer.ts'
import { decode, encode } from '../protocol/codegen.ts'
import { FrameReader, frameOf } from '../protocol/frame.ts'
import { readResponseHeader, writeRequestHeader } from '../protocol/headers.ts'
import type { ApiSchema, Fields, InputValue, ValueOf } from '../protocol/schema.ts'

interface Waiting {
  readonly api: ApiSchema
  readonly version: number
  readonly resolve: (response: never) => void
  readonly reject: (error: Error) => void
}

/** Client based on Ottla's codec: one connection, any version, any number of requests in flight. */
export class RawClient {
  readonly socket: Socket
  readonly #clientId: string
  readonly #waiting = new Map<number, Waiting>()
  #correlationId = 0

  private constructor(socket: Socket, clientId: string) {
    this.socket = socket
    this.#clientId = clientId
    const frames = new FrameReader(new BufferPool(), 0x7fffffff, (frame) => this.#onFrame(frame))
    socket.on('data', (chunk: Buffer) => frames.push(chunk))
    socket.on('error', () => {}) // 'close' follows and rejects all pending requests
    socket.on('close', () => {
      frames.close()
      for (const { reject, api } of this.#waiting.values()) reject(new Error(`closed before ${api.name} was answered`))
      this.#waiting.clear()
    })
  }

  static connect(port: number, clientId = 'raw', host = '127.0.0.1'): Promise<RawClient> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host, noDelay: true }, () => {
        socket.off('error', reject)
        resolve(new RawClient(socket, clientId))
      })
      socket.once('error', reject)
    })
  }

  /**
   * Sends a request and resolves with the response, fields named as in the schema. Views in it (bytes, records) are
   * copies that stay valid. Rejects if the broker closes the connection first.
   */
  send<Q extends Fields, S extends Fields>(
    api: ApiSchema<Q, S>,
    version: number,
    request: InputValue<Q>,
  ): Promise<ValueOf<S>> {
    const correlationId = ++this.#correlationId
    return new Promise((resolve, reject) => {
      if (this.socket.destroyed) throw new Error(`closed before ${api.name} was sent`)
      this.#waiting.set(correlationId, { api: api as never, version, resolve: resolve as never, reject })
      this.#write(api, version, request, correlationId)
    })
  }

  /** Sends a request that has no response (Produce with acks=0). */
  sendUnanswered<Q extends Fields, S extends Fields>(
    api: ApiSchema<Q, S>,
    version: number,
    request: InputValue<Q>,
  ): void {
    this.#write(api, version, request, ++this.#correlationId)
  }

  close(): void {
    this.socket.destroy()
  }

  #write<Q extends Fields, S extends Fields>(
    api: ApiSchema<Q, S>,
    apiVersion: number,
    request: InputValue<Q>,
    correlationId: number,
  ): void {
    const frame = frameOf((writer) => {
      writeRequestHeader(writer, api, { apiVersion, correlationId, clientId: this.#clientId })
      encode(api.request, apiVersion, request, writer)
    })
    this.socket.cork()
    for (const slice of frame.slices) this.socket.write(slice)
    this.socket.uncork()
  }

  #onFrame(frame: Lease): void {
    const correlationId = frame.bytes.readInt32BE(0)
    const waiting = this.#waiting.get(correlationId)
    if (waiting === undefined) throw new Error(`an answer to nothing: correlation id ${correlationId}`)
    this.#waiting.delete(correlationId)
    const { api, version, resolve, reject } = waiting
    try {
      // Never released to the pool: the response's views stay valid.
      const reader = new ByteReader(frame.bytes)
      readResponseHeader(reader, api, version)
      resolve(decode(api.response, version, reader) as never)
    } catch (error) {
      reject(error as Error)
    }
  }
}

/** Bytes of one request as a client sends them, including the size. */
export function requestFrame<Q extends Fields, S extends Fields>(
  api: ApiSchema<Q, S>,
  apiVersion: number,
  request: InputValue<Q>,
  header: { correlationId: number; clientId: string | null } = { correlationId: 1, clientId: 'raw' },
): Buffer {
  return contiguous(
    frameOf((writer) => {
      writeRequestHeader(writer, api, { apiVersion, ...header })
      encode(api.request, apiVersion, request, writer)
    }),
  )
}
