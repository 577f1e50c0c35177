import type { Host, Timer } from '../../storage/host/host.ts'
import type { Peer, PeerHandler } from '../network/transport.ts'
import { type AuthId, idOfAddress } from './authentication.ts'
import type { ClientView } from './broker-nodes.ts'
import { type Executed, execute } from './execution.ts'
import { Frames } from './frames.ts'
import { JuteError, JuteReader } from './jute.ts'
import { limits } from './limits.ts'
import type { EventType } from './op-codes.ts'
import { connectReply, eventFrame, reply } from './replies.ts'
import { endsUndecoded, readRequest, takesZxid } from './requests.ts'
import type { ZooKeeperServer } from './server.ts'
import { negotiatedTimeoutMs, type Session, type SessionConnection } from './sessions.ts'
import { Traffic } from './traffic.ts'
import type { Watcher } from './watches.ts'
import { isKnownWord } from './word-names.ts'
import { type MaybePromise, whenThere } from './write-queue.ts'

/** What a connection is part of. */
export interface Surroundings {
  readonly host: Pick<Host, 'clock' | 'timers'>
  readonly server: ZooKeeperServer
  /** Of all connections. */
  readonly traffic: Traffic
  /** Answers a four-letter word; `rest`: the bytes after it. */
  readonly answerWord: (word: string, rest: Buffer, connection: ClientConnection) => MaybePromise<string>
  readonly onClosed: (connection: ClientConnection) => void
}

interface Received {
  readonly message: Buffer
  readonly atMs: number
}

/** xid and type. */
const HEADER_BYTES = 8

/**
 * One client: asks for a session, then sends requests, which are answered in order. Or it sends a four-letter word.
 * Source: NIOServerCnxn.
 */
export class ClientConnection implements PeerHandler, Watcher, SessionConnection {
  readonly traffic = new Traffic()
  readonly establishedMs: number
  session: Session | undefined
  /** Name of the last request, its xid and zxid, when it was answered, and after how long. */
  last = { operation: 'NA', xid: -1, zxid: -1, atMs: 0, afterMs: 0 }
  readonly ids: AuthId[]
  readonly view: ClientView
  readonly peer: Peer
  readonly #endpoint: Surroundings
  readonly #frames: Frames
  readonly #queue: Received[] = []
  #queuedBytes = 0
  #bytesInTurn = 0
  /** The client has asked for a session. */
  #hasAsked = false
  #isBusy = false
  #isPaused = false
  /** Nothing more is read or answered. */
  #isEnding = false
  isClosed = false
  #connectTimer: Timer | undefined

  constructor(peer: Peer, endpoint: Surroundings) {
    this.peer = peer
    this.#endpoint = endpoint
    this.establishedMs = endpoint.host.clock.nowMs()
    this.ids = [idOfAddress(peer.remoteAddress)]
    this.view = { localAddress: idOfAddress(peer.localAddress).id, localPort: peer.localPort }
    const isWord = (bytes: Buffer) => !this.#hasAsked && isKnownWord(bytes)
    this.#frames = new Frames(limits.frameBytes, isWord, (message) => this.#onMessage(message))
    this.#connectTimer = endpoint.host.timers.after(limits.connectMs, () => this.peer.destroy())
  }

  get sessionId(): bigint {
    return this.session?.id ?? 0n
  }

  /** Requests that were read and not answered. */
  get outstanding(): number {
    return this.#queue.length + (this.#isBusy ? 1 : 0)
  }

  get isReading(): boolean {
    return !this.#isPaused
  }

  onBytes(chunk: Buffer): void {
    if (this.#isEnding) return
    const outcome = this.#frames.push(chunk)
    if (outcome === undefined || this.#isEnding) return
    if ('word' in outcome) this.#onWord(outcome.word.toString('latin1'), outcome.rest)
    else this.#fail({ size: outcome.invalidSize }, 'a ZooKeeper client was dropped: its frame has an invalid size')
  }

  /** Requests that came whole are still carried out, as in ZooKeeper: a client may send and leave. */
  onClose(): void {
    if (this.isClosed) return
    this.isClosed = true
    this.#connectTimer?.cancel()
    this.#endpoint.onClosed(this)
    if (this.session?.connection === this) this.session.connection = undefined
    if (this.#endpoint.server.isLoaded) this.#endpoint.server.tree.forget(this)
  }

  /** The session ends, or goes on at another connection. */
  drop(): void {
    this.#isEnding = true
    this.#queue.length = 0
    this.peer.destroy()
  }

  notify(type: EventType, path: string): void {
    if (this.#isEnding || this.isClosed) return
    if (this.peer.unsentBytes > limits.unsentEventBytes) {
      this.#fail({}, 'a ZooKeeper client was dropped: it does not read its events')
      return
    }
    this.#send(eventFrame(type, path))
  }

  #onWord(word: string, rest: Buffer): void {
    this.traffic.received++
    this.#endpoint.traffic.received++
    this.#isEnding = true
    this.peer.pauseReading()
    this.#settle(
      () => this.#endpoint.answerWord(word, rest, this),
      (text) => {
        if (text !== '') this.#send(Buffer.from(text, 'utf8'))
        this.peer.end()
      },
    )
  }

  #onMessage(message: Buffer): void {
    if (this.#isEnding) return
    this.traffic.received++
    this.#endpoint.traffic.received++
    const { clock } = this.#endpoint.host
    if (this.session !== undefined && !this.session.isClosing) this.#endpoint.server.sessions.touch(this.session)
    this.#queue.push({ message, atMs: clock.monotonicMs() })
    this.#queuedBytes += message.length
    this.#process()
    this.#holdBack()
  }

  /** Handles requests until one has to wait, or the turn has had enough. */
  #process(): void {
    let requests = 0
    this.#bytesInTurn = 0
    while (!this.#isBusy && !this.#isEnding && !this.#isStalled) {
      if (requests++ === limits.requestsInTurn || this.#bytesInTurn > limits.answerBytesInTurn) {
        this.#isBusy = true
        this.#endpoint.host.timers.atTurnEnd(() => this.#goOn())
        return
      }
      const received = this.#queue.shift()
      if (received === undefined) return
      this.#queuedBytes -= received.message.length
      this.#handle(received)
    }
  }

  #goOn(): void {
    this.#isBusy = false
    this.#process()
    this.#holdBack()
  }

  /** The client does not take its answers. A client that has left takes none, and its requests are done all the same. */
  get #isStalled(): boolean {
    return !this.isClosed && this.peer.unsentBytes > limits.unsentBytes
  }

  /** Reads as long as there is room for requests and for answers. */
  #holdBack(): void {
    if (this.isClosed || this.#isEnding) return
    const isFull =
      this.#queue.length >= limits.outstandingRequests ||
      this.#queuedBytes >= limits.outstandingBytes ||
      this.#isStalled
    if (isFull === this.#isPaused) return
    this.#isPaused = isFull
    if (isFull) this.peer.pauseReading()
    else this.peer.resumeReading()
  }

  #handle(received: Received): void {
    this.#isBusy = true
    this.#settle(
      () => (this.#hasAsked ? this.#answer(received) : this.#connect(received.message)),
      () => {
        this.#isBusy = false
      },
    )
  }

  /** Calls `done` when the work is done, at once if it is. A failure is a bug, and ends this connection alone. */
  #settle<T>(work: () => MaybePromise<T>, done: (value: T) => void): void {
    const fail = (error: unknown) => this.#fail({ err: error }, 'a ZooKeeper client was dropped: its request failed')
    try {
      const outcome = work()
      if (!(outcome instanceof Promise)) {
        done(outcome)
        return
      }
      outcome
        .then((value) => {
          done(value)
          this.#process()
          this.#holdBack()
        })
        .catch(fail)
    } catch (error) {
      fail(error)
    }
  }

  /** The first message asks for a session: a new one, or the one of an earlier connection. */
  async #connect(message: Buffer): Promise<void> {
    this.#hasAsked = true
    const wanted = connectRequest(message)
    if (wanted === undefined) {
      this.#fail({}, 'a ZooKeeper client was dropped: it did not ask for a session')
      return
    }
    const { server } = this.#endpoint
    await server.load()
    if (this.isClosed) return
    const session = wanted.sessionId === 0n ? await this.#newSession(wanted) : this.#oldSession(wanted)
    if (session === 'refused' || this.isClosed) {
      this.peer.destroy()
      return
    }
    this.#connectTimer?.cancel()
    this.#send(connectReply(session, wanted.hasReadOnly))
    if (session === undefined) {
      this.#end()
      return
    }
    this.session = session
    session.connection = this
  }

  async #newSession({ timeoutMs, lastZxid }: ConnectRequest): Promise<Session | 'refused'> {
    const { server } = this.#endpoint
    // The client has seen more than this server knows: of another server, or of a lost data directory.
    if (lastZxid > server.lastZxid) return 'refused'
    return (await server.openSession(negotiatedTimeoutMs(timeoutMs))) ?? 'refused'
  }

  /** Undefined: it has expired, or the password is wrong. */
  #oldSession({ sessionId, password, timeoutMs }: ConnectRequest): Session | undefined {
    const { sessions } = this.#endpoint.server
    const session = sessions.get(sessionId)
    if (session === undefined || session.isClosing || !password?.equals(session.password)) return undefined
    session.connection?.drop()
    session.timeoutMs = negotiatedTimeoutMs(timeoutMs)
    sessions.touch(session)
    return session
  }

  #answer({ message, atMs }: Received): MaybePromise<void> {
    if (message.length < HEADER_BYTES) {
      this.#fail({}, 'a ZooKeeper client was dropped: its request has no header')
      return
    }
    const reader = new JuteReader(message)
    const [xid, type] = [reader.int(), reader.int()]
    const request = readRequest(type, reader)
    const { server } = this.#endpoint
    if (!server.isLoaded || this.session === undefined) return
    if (request === 'MARSHALLINGERROR' && endsUndecoded(type)) {
      this.#fail({}, 'a ZooKeeper client was dropped: its proof of identity cannot be decoded')
      return
    }
    if (typeof request === 'string' && takesZxid(type)) {
      return whenThere(server.skipZxid(), () => this.#reply({ xid, type, atMs }, { error: 'MARSHALLINGERROR' }))
    }
    const asker = {
      ...{ session: this.session, ids: this.ids, view: this.view, address: idOfAddress(this.peer.remoteAddress).id },
      watcher: this.isClosed ? undefined : this,
    }
    const executed = execute(request, server, asker)
    return whenThere(executed, (outcome) => this.#reply({ xid, type, atMs }, outcome))
  }

  #reply({ xid, type, atMs }: { xid: number; type: number; atMs: number }, outcome: Executed): void {
    const { server, host, traffic } = this.#endpoint
    if (outcome.error === 'nothing') {
      this.peer.destroy()
      return
    }
    const zxid = outcome.zxid ?? server.lastZxid
    let bytes = reply(outcome.xid ?? xid, zxid, outcome.error ?? 'OK', outcome.body)
    if (bytes.length - 4 >= limits.answerBytes) {
      server.warnings.warn(
        {},
        `answers to ZooKeeper clients are refused: they have more than ${limits.answerBytes} bytes`,
      )
      bytes = reply(xid, zxid, 'SYSTEMERROR')
    }
    const nowMs = host.clock.monotonicMs()
    const afterMs = Math.floor(nowMs - atMs)
    for (const each of [this.traffic, traffic]) each.answered(afterMs)
    this.last = { operation: operationName(type), xid: xid >= 0 ? xid : this.last.xid, zxid, atMs: nowMs, afterMs }
    this.#send(bytes)
    if (outcome.ends) this.#end()
  }

  #send(bytes: Buffer): void {
    if (this.isClosed) return
    this.traffic.sent++
    this.#endpoint.traffic.sent++
    this.#bytesInTurn += bytes.length
    this.peer.write([bytes], () => {
      if (!this.#isPaused) return
      this.#process()
      this.#holdBack()
    })
  }

  #end(): void {
    this.#isEnding = true
    this.#queue.length = 0
    this.peer.end()
  }

  #fail(fields: object, message: string): void {
    this.#endpoint.server.warnings.warn({ client: this.peer.remoteAddress, ...fields }, message)
    this.drop()
  }
}

interface ConnectRequest {
  readonly lastZxid: number
  readonly timeoutMs: number
  readonly sessionId: bigint
  readonly password: Buffer | null
  /** Clients older than 3.4 end before this byte. */
  readonly hasReadOnly: boolean
}

/** Undefined if it cannot be decoded. */
function connectRequest(message: Buffer): ConnectRequest | undefined {
  const reader = new JuteReader(message)
  try {
    reader.int()
    const request = {
      lastZxid: reader.long(),
      timeoutMs: reader.int(),
      sessionId: reader.exactLong(),
      password: reader.buffer(),
    }
    return { ...request, hasReadOnly: !reader.isAtEnd }
  } catch (error) {
    if (error instanceof JuteError) return undefined
    throw error
  }
}

/** Names in the answer to `cons`. Source: FinalRequestProcessor. */
const operationNames: Readonly<Record<number, string>> = {
  1: 'CREA',
  2: 'DELE',
  3: 'EXIS',
  4: 'GETD',
  5: 'SETD',
  6: 'GETA',
  7: 'SETA',
  8: 'GETC',
  9: 'SYNC',
  11: 'PING',
  12: 'GETC',
  13: 'CHEC',
  14: 'MULT',
  15: 'CREA',
  17: 'CHKW',
  18: 'REMW',
  19: 'CREA',
  21: 'CREA',
  101: 'SETW',
  [-11]: 'CLOS',
}

function operationName(type: number): string {
  return operationNames[type] ?? 'NA'
}
