/**
 * Source of connections: TCP (tcp-transport.ts), or in-memory queues for simulation and in-process clients
 * (simulated-transport.ts). A transport moves bytes; connection.ts handles frames and requests.
 */
export interface Transport {
  /**
   * Starts to accept connections. Port 0 picks a free port. Rejects with the error of node:net (EADDRINUSE, ...), also
   * if only one of several addresses is taken.
   */
  listen(endpoint: Endpoint, accept: (peer: Peer) => PeerHandler): Promise<Listening>
  /** Resolves a host name to addresses. Rejects if it has none. */
  lookUp(host: string): Promise<readonly string[]>
}

export interface Endpoint {
  /** Empty or 0.0.0.0: all interfaces. localhost: 127.0.0.1 and ::1, as far as the machine has them. */
  readonly host: string
  readonly port: number
  /** Most connections waiting to be accepted. The system has its own limit. */
  readonly backlog: number
}

export interface Listening {
  readonly host: string
  readonly port: number
  /** Stops accepting. Connected peers stay connected. */
  close(): Promise<void>
}

/** The remote side of one connection. */
export interface Peer {
  readonly remoteAddress: string
  readonly remotePort: number
  /**
   * Address that the client connected to. It gets it as the broker's address if the listener is on all interfaces and
   * advertised.listeners is not set.
   */
  readonly localAddress: string
  readonly localPort: number
  /** Writes slices in order, without copying. `written` is called once the transport no longer needs them. */
  write(slices: readonly Buffer[], written: () => void): void
  /** Bytes passed to `write` and not yet taken by the client. */
  readonly unsentBytes: number
  pauseReading(): void
  resumeReading(): void
  /** Closes after all written bytes are sent. */
  end(): void
  /** Closes at once. */
  destroy(): void
}

export interface PeerHandler {
  /** The chunk is valid during the call only. */
  onBytes(chunk: Buffer): void
  /** Called once when the connection closes, for any reason. */
  onClose(error?: Error): void
}
