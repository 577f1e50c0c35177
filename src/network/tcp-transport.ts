import net from 'node:net'
import type { Endpoint, Listening, Peer, PeerHandler, Transport } from './transport.ts'

/** Pending connections that the kernel keeps while the event loop is busy. Node's own default is 511. */
const BACKLOG = 1024

/** Connections over TCP. Everything that is written to a socket within one turn goes out as one gathered write. */
export class TcpTransport implements Transport {
  listen(endpoint: Endpoint, accept: (peer: Peer) => PeerHandler): Promise<Listening> {
    const server = net.createServer({ noDelay: true, keepAlive: true }, (socket) => serve(socket, accept))
    // An empty host means all interfaces, IPv6 included: that is what node does where no host is given.
    const host = endpoint.host === '' || endpoint.host === '0.0.0.0' ? undefined : endpoint.host
    return new Promise((resolve, reject) => {
      server.once('error', reject)
      server.listen({ host, port: endpoint.port, backlog: BACKLOG }, () => {
        server.off('error', reject)
        const { address, port } = server.address() as net.AddressInfo
        resolve({ host: address, port, close: () => closeServer(server) })
      })
    })
  }
}

function closeServer(server: net.Server): Promise<void> {
  // The callback waits for the last peer, who may stay for hours; that nothing is accepted any more holds at once.
  server.close()
  return Promise.resolve()
}

function serve(socket: net.Socket, accept: (peer: Peer) => PeerHandler): void {
  const peer = new TcpPeer(socket)
  const handler = accept(peer)
  let failure: Error | undefined
  socket.on('data', (chunk: Buffer) => handler.onBytes(chunk))
  socket.on('error', (error) => {
    failure = error
  })
  socket.on('close', () => {
    peer.letGo()
    handler.onClose(failure)
  })
}

/** Strips the prefix under which an IPv6 socket shows IPv4 addresses: clients are to read and reach them. */
function plainAddress(address: string | undefined): string {
  return (address ?? '').replace(/^::ffff:/, '')
}

class TcpPeer implements Peer {
  readonly remoteAddress: string
  readonly remotePort: number
  readonly localAddress: string
  readonly localPort: number
  readonly #socket: net.Socket
  /** Slices of this turn, with the callbacks of those who gave them. */
  #slices: Buffer[] = []
  #pendingBytes = 0
  #pendingWritten: (() => void)[] = []
  /** Callbacks by write to the socket, oldest first: writes complete in their order. */
  readonly #sent: (() => void)[][] = []
  #ending = false

  constructor(socket: net.Socket) {
    this.#socket = socket
    this.remoteAddress = plainAddress(socket.remoteAddress)
    this.remotePort = socket.remotePort ?? 0
    this.localAddress = plainAddress(socket.localAddress)
    this.localPort = socket.localPort ?? 0
  }

  get unsentBytes(): number {
    return this.#pendingBytes + this.#socket.writableLength
  }

  write(slices: readonly Buffer[], written: () => void): void {
    if (this.#slices.length === 0) process.nextTick(() => this.#flush())
    for (const slice of slices) {
      this.#slices.push(slice)
      this.#pendingBytes += slice.length
    }
    this.#pendingWritten.push(written)
  }

  #flush(): void {
    const slices = this.#slices
    if (slices.length === 0) return
    this.#sent.push(this.#pendingWritten)
    this.#slices = []
    this.#pendingBytes = 0
    this.#pendingWritten = []
    const socket = this.#socket
    const last = slices.length - 1
    if (last > 0) socket.cork()
    for (let index = 0; index < last; index++) socket.write(slices[index] as Buffer)
    socket.write(slices[last] as Buffer, this.#completed)
    if (last > 0) socket.uncork()
    if (this.#ending) socket.end()
  }

  readonly #completed = (): void => {
    for (const written of this.#sent.shift() ?? []) written()
  }

  /** The socket is closed: whoever still waits for a write may have the memory back. */
  letGo(): void {
    this.#slices = []
    this.#pendingBytes = 0
    for (const written of this.#pendingWritten.splice(0)) written()
    while (this.#sent.length > 0) this.#completed()
  }

  pauseReading(): void {
    this.#socket.pause()
  }

  resumeReading(): void {
    this.#socket.resume()
  }

  end(): void {
    this.#ending = true
    if (this.#slices.length === 0) this.#socket.end()
  }

  destroy(): void {
    this.#socket.destroy()
  }
}
