import type { Timers } from '../../storage/host/host.ts'
import type { Endpoint, Listening, Peer, PeerHandler, Transport } from './transport.ts'

/** In-memory connections made of two queues. Bytes arrive at the end of the turn. */
export class SimulatedTransport implements Transport {
  readonly #timers: Timers
  readonly #listeners = new Map<number, (peer: Peer) => PeerHandler>()
  #nextPort = 10_000

  constructor(timers: Timers) {
    this.#timers = timers
  }

  listen(endpoint: Endpoint, accept: (peer: Peer) => PeerHandler): Promise<Listening> {
    const port = endpoint.port === 0 ? this.#nextPort++ : endpoint.port
    if (this.#listeners.has(port)) {
      return Promise.reject(Object.assign(new Error(`port ${port} is in use`), { code: 'EADDRINUSE' }))
    }
    this.#listeners.set(port, accept)
    const close = () => {
      this.#listeners.delete(port)
      return Promise.resolve()
    }
    return Promise.resolve({ host: endpoint.host, port, close })
  }

  lookUp(host: string): Promise<readonly string[]> {
    return host === 'localhost' ? Promise.resolve(['127.0.0.1']) : Promise.reject(new Error(`nobody is called ${host}`))
  }

  /** Connects and returns the client side. Throws if no listener has this port (ECONNREFUSED). */
  connect(port: number, client: SimulatedClient): SimulatedConnection {
    const accept = this.#listeners.get(port)
    if (accept === undefined) throw Object.assign(new Error(`nobody listens on ${port}`), { code: 'ECONNREFUSED' })
    const peer = new SimulatedPeer(this.#timers, client, port)
    peer.handler = accept(peer)
    return peer
  }
}

/** Callbacks of the client side. */
export interface SimulatedClient {
  /** The client owns the chunk. */
  onBytes(chunk: Buffer): void
  onClose(): void
}

export interface SimulatedConnection {
  /** Delivers bytes to the broker at the end of this turn, or once it reads again. */
  send(bytes: Buffer): void
  /** Closes like a client that disconnects. */
  close(error?: Error): void
  /** While true the client receives nothing: the broker's bytes stay unsent. */
  stalled: boolean
  /** False while the broker has paused reading. */
  readonly isRead: boolean
}

class SimulatedPeer implements Peer, SimulatedConnection {
  readonly remoteAddress = '127.0.0.1'
  readonly remotePort = 50_000
  readonly localAddress = '127.0.0.1'
  readonly localPort: number
  readonly #timers: Timers
  readonly #client: SimulatedClient
  handler: PeerHandler | undefined
  #toBroker: Buffer[] = []
  #toClient: { readonly slices: readonly Buffer[]; readonly written: () => void }[] = []
  #paused = false
  #stalled = false
  #ending = false
  #closed = false

  constructor(timers: Timers, client: SimulatedClient, localPort: number) {
    this.#timers = timers
    this.#client = client
    this.localPort = localPort
  }

  get unsentBytes(): number {
    let bytes = 0
    for (const { slices } of this.#toClient) for (const slice of slices) bytes += slice.length
    return bytes
  }

  get isRead(): boolean {
    return !this.#paused
  }

  get stalled(): boolean {
    return this.#stalled
  }
  set stalled(stalled: boolean) {
    this.#stalled = stalled
    if (!stalled) this.#timers.atTurnEnd(() => this.#deliverToClient())
  }

  send(bytes: Buffer): void {
    this.#toBroker.push(bytes)
    this.#timers.atTurnEnd(() => this.#deliverToBroker())
  }

  #deliverToBroker(): void {
    while (!this.#paused && !this.#closed) {
      const chunk = this.#toBroker.shift()
      if (chunk === undefined) return
      this.handler?.onBytes(chunk)
    }
  }

  write(slices: readonly Buffer[], written: () => void): void {
    this.#toClient.push({ slices, written })
    this.#timers.atTurnEnd(() => this.#deliverToClient())
  }

  #deliverToClient(): void {
    while (!this.#stalled && !this.#closed) {
      const next = this.#toClient.shift()
      if (next === undefined) break
      this.#client.onBytes(Buffer.concat(next.slices))
      next.written()
    }
    if (this.#ending && this.#toClient.length === 0) this.close()
  }

  pauseReading(): void {
    this.#paused = true
  }

  resumeReading(): void {
    this.#paused = false
    this.#timers.atTurnEnd(() => this.#deliverToBroker())
  }

  end(): void {
    this.#ending = true
    this.#timers.atTurnEnd(() => this.#deliverToClient())
  }

  destroy(): void {
    this.close()
  }

  close(error?: Error): void {
    if (this.#closed) return
    this.#closed = true
    for (const { written } of this.#toClient.splice(0)) written()
    this.handler?.onClose(error)
    this.#client.onClose()
  }
}
