import type { Endpoint, Listening, Peer, PeerHandler, Transport } from '../../src/network/transport.ts'

/** A transport whose connections of a port can fall silent: requests are still carried out, answers are lost. */
export class SilentTransport implements Transport {
  readonly #transport: Transport
  readonly #silent = new Set<number>()

  constructor(transport: Transport) {
    this.#transport = transport
  }

  /** Drops what is written to clients of this port from now on, until something listens there again. */
  silence(port: number): void {
    this.#silent.add(port)
  }

  async listen(endpoint: Endpoint, accept: (peer: Peer) => PeerHandler): Promise<Listening> {
    this.#silent.delete(endpoint.port)
    return this.#transport.listen(endpoint, (peer) => accept(new SilentPeer(peer, this.#silent)))
  }

  lookUp(host: string): Promise<readonly string[]> {
    return this.#transport.lookUp(host)
  }
}

class SilentPeer implements Peer {
  readonly #peer: Peer
  readonly #silent: ReadonlySet<number>

  constructor(peer: Peer, silent: ReadonlySet<number>) {
    this.#peer = peer
    this.#silent = silent
  }

  write(slices: readonly Buffer[], written: () => void): void {
    if (this.#silent.has(this.localPort)) setImmediate(written)
    else this.#peer.write(slices, written)
  }

  get remoteAddress(): string {
    return this.#peer.remoteAddress
  }
  get remotePort(): number {
    return this.#peer.remotePort
  }
  get localAddress(): string {
    return this.#peer.localAddress
  }
  get localPort(): number {
    return this.#peer.localPort
  }
  get unsentBytes(): number {
    return this.#peer.unsentBytes
  }
  pauseReading(): void {
    this.#peer.pauseReading()
  }
  resumeReading(): void {
    this.#peer.resumeReading()
  }
  end(): void {
    this.#peer.end()
  }
  destroy(): void {
    this.#peer.destroy()
  }
}
