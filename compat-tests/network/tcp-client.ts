import { connect, type Socket } from 'node:net'

/** A client that sends arbitrary bytes and keeps the received ones. */
export class TcpClient {
  /** Local port: identifies the client in the broker's log. */
  readonly port: number
  /** Resolves once the connection is closed, by either side and in any way. */
  readonly closed: Promise<void>
  received = Buffer.alloc(0)
  readonly #socket: Socket

  private constructor(socket: Socket) {
    this.#socket = socket
    this.port = socket.localPort!
    this.closed = new Promise((resolve) => socket.once('close', () => resolve()))
    socket.on('error', () => {}) // a reset counts as an end, too
    socket.on('data', (chunk) => {
      this.received = Buffer.concat([this.received, chunk])
    })
  }

  static connect(port: number): Promise<TcpClient> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true }, () => {
        socket.off('error', reject)
        resolve(new TcpClient(socket))
      })
      socket.once('error', reject)
    })
  }

  write(bytes: Buffer): void {
    this.#socket.write(bytes)
  }

  /** Resolves once all written bytes are handed to the operating system. */
  flushed(): Promise<void> {
    return new Promise((resolve) => this.#socket.write(Buffer.alloc(0), () => resolve()))
  }

  forget(): void {
    this.received = Buffer.alloc(0)
  }

  /** Closes the sending side and keeps receiving. */
  end(): void {
    this.#socket.end()
  }

  reset(): void {
    this.#socket.resetAndDestroy()
  }

  destroy(): void {
    this.#socket.destroy()
  }
}
