/**
 * Where connections come from: TCP for real (tcp-transport.ts), queues in memory in simulation and for in-process
 * clients (simulated-transport.ts). A transport moves bytes; frames and requests are connection.ts's business.
 */
export interface Transport {
  /** Starts to accept. Port 0 asks for any free one. Rejects with the error of node:net (EADDRINUSE, ...), also where one of several addresses is taken. */
  listen(endpoint: Endpoint, accept: (peer: Peer) => PeerHandler): Promise<Listening>
  /** Addresses of a host name. Rejects where it has none. */
  lookUp(host: string): Promise<readonly string[]>
}

export interface Endpoint {
  /** Empty or 0.0.0.0: all interfaces. localhost: 127.0.0.1 and ::1, wherever the machine has both. */
  readonly host: string
  readonly port: number
  /** Connections that may wait until they are accepted. The system has a limit of its own. */
  readonly backlog: number
}

export interface Listening {
  readonly host: string
  readonly port: number
  /** Stops accepting; peers that are connected stay. */
  close(): Promise<void>
}

/** The far end of one connection. */
export interface Peer {
  readonly remoteAddress: string
  readonly remotePort: number
  /** The address that the client itself connected to: what it is told unless advertised.listeners says otherwise. */
  readonly localAddress: string
  readonly localPort: number
  /** Writes slices one after the other, by reference; `written` is called once the transport has let go of them. */
  write(slices: readonly Buffer[], written: () => void): void
  /** Bytes handed to `write` that the client has not taken yet. */
  readonly unsentBytes: number
  pauseReading(): void
  resumeReading(): void
  /** Sends what was written, then closes. */
  end(): void
  /** Closes at once. */
  destroy(): void
}

export interface PeerHandler {
  /** The chunk is only valid during the call. */
  onBytes(chunk: Buffer): void
  /** Called once, whatever ended the connection. */
  onClose(error?: Error): void
}
