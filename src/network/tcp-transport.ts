import { lookup } from 'node:dns/promises'
import net from 'node:net'
import type { Endpoint, Listening, Peer, PeerHandler, Transport } from './transport.ts'

const LOCALHOST = 'localhost'
const LOOPBACK_ADDRESSES = ['127.0.0.1', '::1'] as const
/** What the system says of an address that this machine does not have, or of a family that is switched off. */
const MISSING_ADDRESS_CODES: ReadonlySet<string> = new Set(['EADDRNOTAVAIL', 'EAFNOSUPPORT'])
/** How often another free port is asked for until both loopback addresses have it free. */
const PORT_ATTEMPTS = 20

/** Bytes that are taken from a socket at a time. */
const READ_BYTES = 256 * 1024

/**
 * How bytes come out of a socket. `shared`: all sockets read into one buffer, which is copied from before the next read;
 * it saves a third of a produce's CPU time and a third of the memory, but node offers it for sockets that it connects
 * (`onread`), not for those that it accepts: their handle is wrapped anew. `events`: a new buffer for each 'data' event.
 */
export type Reading = 'shared' | 'events'

/** Major versions of Node.js whose accepted sockets are known to take `onread`. Any other uses 'data' events. */
const sharedReadingFrom = 20
const sharedReadingUpTo = 26

function readingOfThisNode(): Reading {
  const major = Number(process.versions.node.split('.')[0])
  return major >= sharedReadingFrom && major <= sharedReadingUpTo ? 'shared' : 'events'
}

/** Connections over TCP. Everything that is written to a socket within one turn goes out as one gathered write. */
export class TcpTransport implements Transport {
  readonly #reading: Reading

  constructor(reading: Reading = readingOfThisNode()) {
    this.#reading = reading
  }

  async listen(endpoint: Endpoint, accept: (peer: Peer) => PeerHandler): Promise<Listening> {
    if (endpoint.host === LOCALHOST) return this.#listenOnLoopback(endpoint, accept)
    // An empty host means all interfaces, IPv6 included: that is what node does where no host is given.
    const host = endpoint.host === '' || endpoint.host === '0.0.0.0' ? undefined : endpoint.host
    const server = await this.#open({ ...endpoint, host }, accept)
    const { address, port } = server.address() as net.AddressInfo
    return { host: address, port, close: () => closeServers([server]) }
  }

  async lookUp(host: string): Promise<readonly string[]> {
    return (await lookup(host, { all: true })).map(({ address }) => plainAddress(address))
  }

  /** Clients turn localhost into either loopback address, whatever it is here: both are listened on, on one port. */
  async #listenOnLoopback(endpoint: Endpoint, accept: (peer: Peer) => PeerHandler): Promise<Listening> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#openBoth(endpoint, accept)
      } catch (error) {
        // The port that the system chose for one address is in use on the other.
        const isTaken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE'
        if (endpoint.port !== 0 || !isTaken || attempt === PORT_ATTEMPTS) throw error
      }
    }
  }

  async #openBoth(endpoint: Endpoint, accept: (peer: Peer) => PeerHandler): Promise<Listening> {
    const servers: net.Server[] = []
    let { port } = endpoint
    let missing: unknown
    try {
      for (const host of LOOPBACK_ADDRESSES) {
        const server = await this.#open({ ...endpoint, host, port }, accept).catch((error: NodeJS.ErrnoException) => {
          if (!MISSING_ADDRESS_CODES.has(error.code ?? '')) throw error
          missing = error
        })
        if (server === undefined) continue
        servers.push(server)
        port = (server.address() as net.AddressInfo).port
      }
    } catch (error) {
      await closeServers(servers)
      throw error
    }
    if (servers.length === 0) throw missing
    return { host: LOCALHOST, port, close: () => closeServers(servers) }
  }

  #open(
    { host, port, backlog }: { host: string | undefined; port: number; backlog: number },
    accept: (peer: Peer) => PeerHandler,
  ): Promise<net.Server> {
    const serve = this.#reading === 'shared' ? serveShared(accept) : serveEvents(accept)
    const options = { noDelay: true, keepAlive: true, pauseOnConnect: this.#reading === 'shared' }
    const server = net.createServer(options, serve)
    return new Promise((resolve, reject) => {
      server.once('error', reject)
      server.listen({ host, port, backlog }, () => {
        server.off('error', reject)
        resolve(server)
      })
    })
  }
}

function closeServers(servers: readonly net.Server[]): Promise<void> {
  // The callback waits for the last peer, who may stay for hours; that nothing is accepted any more holds at once.
  for (const server of servers) server.close()
  return Promise.resolve()
}

function serveEvents(accept: (peer: Peer) => PeerHandler): (socket: net.Socket) => void {
  return (socket) => {
    const handler = serve(socket, accept)
    socket.on('data', (chunk: Buffer) => handler.onBytes(chunk))
  }
}

/** What the types of node do not tell: a socket's handle, and the options that its constructor passes on. */
interface WrappingOptions extends net.SocketConstructorOpts {
  readonly handle: unknown
  readonly onread: { readonly buffer: Buffer; readonly callback: (size: number, buffer: Buffer) => boolean }
}

function serveShared(accept: (peer: Peer) => PeerHandler): (socket: net.Socket) => void {
  const buffer = Buffer.allocUnsafeSlow(READ_BYTES)
  return (accepted) => {
    let handler: PeerHandler | undefined
    const callback = (size: number): boolean => {
      handler?.onBytes(buffer.subarray(0, size))
      return true
    }
    const { _handle: handle } = accepted as unknown as { _handle: unknown }
    // Closed by its client before it was accepted.
    if (handle === null) return
    const options: WrappingOptions = { handle, onread: { buffer, callback } }
    const socket = new net.Socket(options)
    handler = serve(socket, accept)
    if (!socket.isPaused()) socket.resume()
  }
}

function serve(socket: net.Socket, accept: (peer: Peer) => PeerHandler): PeerHandler {
  const peer = new TcpPeer(socket)
  const handler = accept(peer)
  let failure: Error | undefined
  socket.on('error', (error) => {
    failure = error
  })
  socket.on('close', () => {
    peer.letGo()
    handler.onClose(failure)
  })
  return handler
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
