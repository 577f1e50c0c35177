import { lookup } from 'node:dns/promises'
import net from 'node:net'
import type { Endpoint, Listening, Peer, PeerHandler, Transport } from './transport.ts'

const LOCALHOST = 'localhost'
const LOOPBACK_ADDRESSES = ['127.0.0.1', '::1'] as const
/** Errors for an address this machine does not have, or a disabled address family. */
const MISSING_ADDRESS_CODES: ReadonlySet<string> = new Set(['EADDRNOTAVAIL', 'EAFNOSUPPORT'])
/** Attempts to find a port that is free on both loopback addresses. */
const PORT_ATTEMPTS = 20

/** Most bytes per socket read. */
const READ_BYTES = 256 * 1024

/**
 * How sockets are read. `shared`: all sockets read into one buffer, copied before the next read. This saves a third of
 * a produce's CPU time and a third of the memory. Node offers it (`onread`) only for outgoing sockets, so the handles
 * of accepted sockets are wrapped in new ones. `events`: a new buffer for each 'data' event.
 */
export type Reading = 'shared' | 'events'

/** Major versions of Node.js known to support `onread` for wrapped accepted sockets. Others use 'data' events. */
const sharedReadingFrom = 20
const sharedReadingUpTo = 26

function readingOfThisNode(): Reading {
  const major = Number(process.versions.node.split('.')[0])
  return major >= sharedReadingFrom && major <= sharedReadingUpTo ? 'shared' : 'events'
}

/** TCP connections. All writes to a socket within one turn are sent as one gathered write. */
export class TcpTransport implements Transport {
  readonly #reading: Reading

  constructor(reading: Reading = readingOfThisNode()) {
    this.#reading = reading
  }

  async listen(endpoint: Endpoint, accept: (peer: Peer) => PeerHandler): Promise<Listening> {
    if (endpoint.host === LOCALHOST) return this.#listenOnLoopback(endpoint, accept)
    // Without a host Node.js listens on all interfaces, including IPv6.
    const host = endpoint.host === '' || endpoint.host === '0.0.0.0' ? undefined : endpoint.host
    const server = await this.#open({ ...endpoint, host }, accept)
    const { address, port } = server.address() as net.AddressInfo
    return { host: address, port, close: () => closeServers([server]) }
  }

  async lookUp(host: string): Promise<readonly string[]> {
    return (await lookup(host, { all: true })).map(({ address }) => plainAddress(address))
  }

  /** Listens on both loopback addresses with one port: clients may resolve localhost to either. */
  async #listenOnLoopback(endpoint: Endpoint, accept: (peer: Peer) => PeerHandler): Promise<Listening> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#openBoth(endpoint, accept)
      } catch (error) {
        // The port chosen by the system for one address is in use on the other.
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
  // Do not wait for the callback: it waits for the last peer, perhaps for hours. No more peers are accepted at once.
  for (const server of servers) server.close()
  return Promise.resolve()
}

function serveEvents(accept: (peer: Peer) => PeerHandler): (socket: net.Socket) => void {
  return (socket) => {
    const handler = serve(socket, accept)
    socket.on('data', (chunk: Buffer) => handler.onBytes(chunk))
  }
}

/** Options missing in Node's types: the socket's handle and onread, which the constructor passes on. */
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
    // Closed by the client before it was accepted.
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
    peer.releasePending()
    handler.onClose(failure)
  })
  return handler
}

/** Removes the prefix of IPv4 addresses on IPv6 sockets, for readable addresses that clients can reach. */
function plainAddress(address: string | undefined): string {
  return (address ?? '').replace(/^::ffff:/, '')
}

class TcpPeer implements Peer {
  readonly remoteAddress: string
  readonly remotePort: number
  readonly localAddress: string
  readonly localPort: number
  readonly #socket: net.Socket
  /** Slices written in this turn, with their callbacks. */
  #slices: Buffer[] = []
  #pendingBytes = 0
  #pendingWritten: (() => void)[] = []
  /** Callbacks for each socket write, oldest first. Writes complete in order. */
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

  /** Releases the memory of pending writes after the socket is closed. */
  releasePending(): void {
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
