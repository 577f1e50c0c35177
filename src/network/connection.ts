import type { BufferPool, Lease } from '../../protocol/buffer-pool.ts'
import { MalformedError } from '../../protocol/byte-reader.ts'
import type { GatheredBytes } from '../../protocol/byte-writer.ts'
import { FrameReader } from '../../protocol/frame.ts'
import { failureOfPart } from '../../storage/failure-policy.ts'
import type { Host } from '../../storage/host/host.ts'
import type { Logger } from '../observe/logger.ts'
import type { ConnectionInfo, Exchange } from '../request/exchange.ts'
import type { BytesInFlight, WaitingReader } from './bytes-in-flight.ts'
import { foreignProtocol } from './foreign-protocol.ts'
import type { QueuedRequests } from './queued-requests.ts'
import type { Peer, PeerHandler } from './transport.ts'
import { type TurnMember, TurnShare, type TurnShares } from './turn-shares.ts'

/** Most waiting requests of a connection. Pipelining clients have 5 in flight, benchmarks some dozens. */
const WAITING_LIMIT = 64
/** While more reply bytes than this are unsent, no further request starts. */
const UNSENT_LIMIT_BYTES = 1024 * 1024

/** What a connection uses of the broker. */
export interface ConnectionParts {
  readonly pool: BufferPool
  readonly budget: BytesInFlight
  readonly queued: QueuedRequests
  readonly turns: TurnShares
  readonly logger: Logger
  readonly host: Pick<Host, 'fatal'>
  /** socket.request.max.bytes. */
  readonly requestLimitBytes: number
  readonly dispatch: (exchange: Exchange) => void
  readonly monotonicMs: () => number
  readonly closed: (connection: Connection) => void
}

/**
 * Splits a client's bytes into requests, starts them in order and sends the replies in that order. A request starts
 * once the previous one is answered or has fixed its order.
 */
export class Connection implements PeerHandler, WaitingReader, TurnMember {
  readonly info: ConnectionInfo
  readonly share = new TurnShare()
  readonly #peer: Peer
  readonly #parts: ConnectionParts
  readonly #frames: FrameReader
  readonly #waiting: Lease[] = []
  /** Started requests without a sent reply, in order. */
  readonly #exchanges: PendingExchange[] = []
  /** The request that blocks the next one. */
  #ordering: PendingExchange | undefined
  /** Requests of this connection counted in QueuedRequests. */
  #queued = 0
  #bytesInFrame = 0
  /** Bytes of whole requests that are not yet answered. */
  #heldBytes = 0
  #sawFrame = false
  #firstBytes: Buffer = Buffer.alloc(0)
  #isReading = true
  /** Why later bytes cannot be split into requests; undefined while they can. */
  #malformed: string | undefined
  /** Nothing more is read or replied. Earlier replies may still be on their way. */
  #isClosed = false
  /** All memory and counts of the connection are released. */
  #isTornDown = false
  /** True while requests are being started: a handler may answer before dispatch returns. */
  #isStarting = false
  #lastActivityMs: number

  constructor(info: ConnectionInfo, peer: Peer, parts: ConnectionParts) {
    this.info = info
    this.#peer = peer
    this.#parts = parts
    this.#frames = new FrameReader(parts.pool, parts.requestLimitBytes, (frame) => this.#onFrame(frame))
    this.#lastActivityMs = parts.monotonicMs()
  }

  /** Time of the last bytes in either direction. */
  get lastActivityMs(): number {
    return this.#lastActivityMs
  }

  /** Time of the last bytes in either direction; Infinity while a request is in progress. */
  idleSinceMs(): number {
    const isWorking = !this.#isClosed && this.#exchanges.length > 0 && this.#peer.unsentBytes === 0
    return isWorking ? Number.POSITIVE_INFINITY : this.#lastActivityMs
  }

  onBytes(chunk: Buffer): void {
    if (this.#isClosed || this.#malformed !== undefined) return
    try {
      this.#take(chunk)
    } catch (error) {
      this.#failed(error)
    }
  }

  /** Handles a bug: closes this connection only. */
  #failed(caught: unknown): void {
    const err = failureOfPart(this.#parts.host, caught)
    const { clientHost, clientPort, listener } = this.info
    const client = `${clientHost}:${clientPort}`
    this.#parts.logger.error(
      { err, client, listener },
      `closed the connection of ${client}: a bug in Ottla, see the stack trace`,
    )
    this.close()
  }

  #take(chunk: Buffer): void {
    this.#lastActivityMs = this.#parts.monotonicMs()
    if (!this.#sawFrame && this.#refuseForeign(chunk)) return
    this.#bytesInFrame += chunk.length
    this.#parts.budget.addRequest(chunk.length)
    this.#parts.turns.read(this, chunk.length)
    try {
      this.#frames.push(chunk)
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error
      this.#malformed = error.message
    }
    this.#startRequests()
    this.#checkReading()
  }

  /** True if the first bytes are another protocol's. Sends a hint in that protocol and closes the connection. */
  #refuseForeign(chunk: Buffer): boolean {
    if (this.#firstBytes.length >= 4) return false
    this.#firstBytes = Buffer.concat([this.#firstBytes, chunk.subarray(0, 4)])
    const foreign = foreignProtocol(this.#firstBytes)
    if (foreign === undefined) return false
    const { clientHost, clientPort, listener } = this.info
    this.#parts.logger.warn(
      { client: `${clientHost}:${clientPort}`, listener },
      `client ${clientHost}:${clientPort} speaks ${foreign.name} on the plaintext listener ${listener}: ${foreign.hint}`,
    )
    this.#isClosed = true
    this.#peer.write([foreign.answer], () => {})
    this.#peer.end()
    return true
  }

  #onFrame(frame: Lease): void {
    this.#sawFrame = true
    this.#bytesInFrame -= frame.bytes.length + 4
    this.#heldBytes += frame.bytes.length + 4
    this.#waiting.push(frame)
    this.#parts.budget.frameRead(this)
  }

  /** Starts waiting requests until one blocks the rest, or the connection has used its share of the turn. */
  #startRequests(): void {
    if (this.#isStarting) return
    this.#isStarting = true
    while (this.#ordering === undefined && !this.#isClosed && this.#peer.unsentBytes <= UNSENT_LIMIT_BYTES) {
      const frame = this.#waiting[0]
      if (frame === undefined || !this.#parts.turns.tryStart(this, frame.bytes.length)) break
      this.#waiting.shift()
      const exchange = new PendingExchange(this, frame)
      this.#exchanges.push(exchange)
      this.#ordering = exchange
      this.#parts.dispatch(exchange)
    }
    this.#isStarting = false
    this.#closeIfMalformed()
  }

  #closeIfMalformed(): void {
    const isIdle = this.#waiting.length === 0 && this.#exchanges.length === 0
    if (this.#malformed !== undefined && isIdle) this.#closeAfterReplies(this.#malformed)
  }

  /** Stops reading if enough is waiting, else resumes. */
  #checkReading(): void {
    if (this.#isClosed) return
    this.#countQueued(this.#waiting.length + this.#exchanges.length - (this.#ordering === undefined ? 0 : 1))
    const mayRead = this.#mayRead()
    if (mayRead === this.#isReading) return
    this.#isReading = mayRead
    if (mayRead) this.#peer.resumeReading()
    else this.#peer.pauseReading()
  }

  #mayRead(): boolean {
    const { queued, budget } = this.#parts
    const hasEnough = this.#waiting.length >= WAITING_LIMIT || this.#peer.unsentBytes > UNSENT_LIMIT_BYTES
    const isBusy = hasEnough || this.share.isDeferred || this.#heldBytes > budget.shareBytes
    if (!isBusy && queued.mayRead(this, this.#queued)) return budget.mayRead(this, this.#bytesInFrame > 0)
    // Give up the right to finish a frame: this connection may be waiting for another one, which needs it.
    budget.forget(this)
    return false
  }

  #countQueued(count: number): void {
    const more = count - this.#queued
    this.#queued = count
    if (more !== 0) this.#parts.queued.add(more)
  }

  resume(): void {
    this.#checkReading()
  }

  onNextTurn(): void {
    this.#startRequests()
    this.#checkReading()
  }

  /** Called by PendingExchange. */
  orderFixed(exchange: PendingExchange): void {
    if (this.#ordering !== exchange) return
    this.#ordering = undefined
    this.#startRequests()
    this.#checkReading()
  }

  /**
   * Called by PendingExchange. Sends all replies whose turn has come; closes the connection when it is a failure's
   * turn.
   */
  replied(exchange: PendingExchange): void {
    if (this.#isTornDown) this.#release(exchange)
    if (this.#isClosed) return
    this.#sendReady()
    if (exchange.failure === undefined) this.orderFixed(exchange)
    this.#closeIfMalformed()
    this.#checkReading()
  }

  #sendReady(): void {
    for (let head = this.#exchanges[0]; head?.isAnswered; head = this.#exchanges[0]) {
      if (head.failure !== undefined) {
        this.#closeAfterReplies(head.failure)
        return
      }
      this.#exchanges.shift()
      this.#send(head)
    }
  }

  #send(exchange: PendingExchange): void {
    const frame = exchange.answer
    if (frame === undefined) {
      this.#release(exchange)
      return
    }
    this.#parts.budget.addResponse(frame.length)
    this.#peer.write(frame.slices, () => {
      this.#parts.budget.removeResponse(frame.length)
      this.#lastActivityMs = this.#parts.monotonicMs()
      this.#release(exchange)
      this.#startRequests()
      this.#checkReading()
    })
  }

  #release(exchange: PendingExchange): void {
    this.#heldBytes -= exchange.frame.bytes.length + 4
    this.#parts.budget.removeRequest(exchange.frame.bytes.length + 4)
    exchange.release()
  }

  /** Closes at once. A reason is logged as the client's fault. */
  close(reason?: string): void {
    if (this.#isTornDown) return
    if (reason !== undefined && !this.#isClosed) this.#warn(reason)
    this.#peer.destroy()
    this.onClose()
  }

  /**
   * Closes after earlier replies are sent, like Kafka, which reads a request only after the previous one is answered.
   */
  #closeAfterReplies(reason: string): void {
    if (this.#isClosed) return
    if (this.#peer.unsentBytes === 0) {
      this.close(reason)
      return
    }
    this.#warn(reason)
    this.#isClosed = true
    this.#peer.end()
    // Without reading, the client's end would go unnoticed.
    if (!this.#isReading) this.#peer.resumeReading()
  }

  #warn(reason: string): void {
    const { clientHost, clientPort, listener } = this.info
    const client = `${clientHost}:${clientPort}`
    this.#parts.logger.warn({ client, listener }, `closed the connection of ${client}: ${reason}`)
  }

  onClose(): void {
    if (this.#isTornDown) return
    this.#isTornDown = true
    this.#isClosed = true
    const { budget } = this.#parts
    budget.removeRequest(this.#bytesInFrame)
    this.#bytesInFrame = 0
    this.#frames.close()
    for (const frame of this.#waiting.splice(0)) {
      budget.removeRequest(frame.bytes.length + 4)
      frame.release()
    }
    for (const exchange of this.#exchanges.splice(0)) {
      // A reply that waited for an earlier one is never sent.
      if (exchange.isAnswered) this.#release(exchange)
      else exchange.abandon()
    }
    budget.forget(this)
    this.#parts.turns.forget(this)
    this.#countQueued(0)
    this.#parts.queued.forget(this)
    this.#parts.closed(this)
  }
}

class PendingExchange implements Exchange {
  readonly #connection: Connection
  readonly frame: Lease
  isAnswered = false
  answer: GatheredBytes | undefined
  /** Why to close the connection instead of replying. */
  failure: string | undefined
  #written: (() => void) | undefined
  readonly #abandoned = new Set<() => void>()
  isAbandoned = false

  constructor(connection: Connection, frame: Lease) {
    this.#connection = connection
    this.frame = frame
  }

  get connection(): ConnectionInfo {
    return this.#connection.info
  }

  orderFixed(): void {
    this.#connection.orderFixed(this)
  }

  onAbandoned(callback: () => void): () => void {
    if (this.isAbandoned) callback()
    else this.#abandoned.add(callback)
    return () => this.#abandoned.delete(callback)
  }

  abandon(): void {
    this.isAbandoned = true
    for (const callback of this.#abandoned) callback()
    this.#abandoned.clear()
  }

  reply(frame: GatheredBytes | undefined, written?: () => void): void {
    this.isAnswered = true
    this.answer = frame
    this.#written = written
    this.#abandoned.clear()
    this.#connection.replied(this)
  }

  fail(reason: string): void {
    this.isAnswered = true
    this.failure = reason
    this.#connection.replied(this)
  }

  release(): void {
    this.#written?.()
    this.frame.release()
  }
}
