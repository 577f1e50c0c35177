import { connect, type Socket } from 'node:net'

/** A client that sends any bytes at all, and keeps what it is sent. */
export class TcpClient {
  /** Its own port: how the broker knows it. */
  readonly port: number
  /** Resolves once the connection is gone, whoever ended it and however. */
  readonly closed: Promise<void>
  received = Buffer.alloc(0)
  readonly #socket: Socket

  private constructor(socket: Socket) {
    this.#socket = socket
    this.port = socket.localPort!
    this.closed = new Promise((resolve) => socket.once('close', () => resolve()))
    socket.on('error', () => {}) // a reset is as good an end as any other
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

  /** Resolves once all that was written has been handed to the system. */
  flushed(): Promise<void> {
    return new Promise((resolve) => this.#socket.write(Buffer.alloc(0), () => resolve()))
  }

  forget(): void {
    this.received = Buffer.alloc(0)
  }

  /** Says that nothing more will come, and still listens. */
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
