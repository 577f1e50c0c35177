import { connect, type Socket } from 'node:net'
import { BufferPool, type Lease } from '../../protocol/buffer-pool.ts'
import { ByteReader } from '../../protocol/byte-reader.ts'
import { decode } from '../../protocol/codegen.ts'
import { FrameReader } from '../../protocol/frame.ts'
import { readResponseHeader } from '../../protocol/headers.ts'
import type { ApiSchema, Fields, ValueOf } from '../../protocol/schema.ts'

const LARGEST_ANSWER_BYTES = 128 * 1024 * 1024

/**
 * A connection that needs little processor time, so that the broker is measured: it sends requests encoded beforehand
 * and reuses the memory for responses.
 */
export class LoadConnection {
  readonly #socket: Socket
  /** The protocol guarantees responses in request order. */
  readonly #waiting: { onAnswer: (answer: Buffer) => void; reject: (error: Error) => void }[] = []

  private constructor(socket: Socket) {
    this.#socket = socket
    const frames = new FrameReader(new BufferPool(), LARGEST_ANSWER_BYTES, (frame) => this.#onFrame(frame))
    socket.on('data', (chunk: Buffer) => frames.push(chunk))
    socket.on('error', () => {}) // 'close' follows and rejects all pending requests
    socket.on('close', () => {
      frames.close()
      for (const { reject } of this.#waiting.splice(0)) reject(new Error('the broker closed the connection'))
    })
  }

  /** Rejects if nothing listens there. */
  static connect(port: number): Promise<LoadConnection> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true })
      socket.once('error', reject)
      socket.once('connect', () => {
        socket.off('error', reject)
        resolve(new LoadConnection(socket))
      })
    })
  }

  /**
   * Sends a whole request frame and resolves with the result of `read` on the response. Views in the response are valid
   * only while `read` runs.
   */
  send<S extends Fields, T>(
    api: ApiSchema<Fields, S>,
    version: number,
    frame: Buffer,
    read: (answer: ValueOf<S>) => T,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      const onAnswer = (bytes: Buffer) => {
        const reader = new ByteReader(bytes)
        readResponseHeader(reader, api as never, version)
        resolve(read(decode(api.response, version, reader) as ValueOf<S>))
      }
      this.#waiting.push({ onAnswer, reject })
      this.#socket.write(frame)
    })
  }

  close(): void {
    this.#socket.destroy()
  }

  #onFrame(frame: Lease): void {
    const waiting = this.#waiting.shift()
    try {
      if (waiting === undefined) throw new Error('an answer that nobody asked for')
      waiting.onAnswer(frame.bytes)
    } catch (error) {
      waiting?.reject(error as Error)
      this.close()
    } finally {
      frame.release()
    }
  }
}
