import type { JuteReader } from '../../src/zookeeper/jute.ts'
import type { Stat } from '../../src/zookeeper/node-state.ts'
import { opCodes } from '../../src/zookeeper/op-codes.ts'
import {
  type Connected,
  type ConnectOptions,
  type Dial,
  readMulti,
  readStat,
  TestClient,
} from '../../src/zookeeper/test-client.fixture.ts'
import { waitFor, within } from '../wait-for.ts'

const ANSWER_WITHIN_MS = 30_000

/** Script of a conversation, run against both servers. */
export interface Scenario {
  readonly name: string
  run(transcript: Transcript): Promise<void>
}

/** What a server answered, with times, session ids and zxids made comparable. */
export class Transcript {
  readonly lines: string[] = []
  readonly #dial: Dial
  readonly #startMs = Date.now()
  readonly #sessions = new Map<bigint, string>()
  readonly #clients: TestClient[] = []
  #firstZxid: number | undefined

  constructor(dial: Dial) {
    this.#dial = dial
  }

  /** A connection without a session. */
  async dial(): Promise<Actor> {
    const client = await TestClient.dial(this.#dial)
    this.#clients.push(client)
    return new Actor(this, client, `client ${this.#clients.length}`)
  }

  /** A connection with a session. */
  async client(options: ConnectOptions = {}): Promise<Actor> {
    const actor = await this.dial()
    await actor.connect(options)
    return actor
  }

  say(line: string): void {
    this.lines.push(line)
  }

  zxid(zxid: number): string {
    if (zxid <= 0) return `${zxid}`
    this.#firstZxid ??= zxid
    return zxid < this.#firstZxid ? 'earlier' : `z${zxid - this.#firstZxid}`
  }

  session(id: bigint): string {
    if (id === 0n) return '0'
    const name = this.#sessions.get(id) ?? `session ${this.#sessions.size + 1}`
    this.#sessions.set(id, name)
    return name
  }

  stat(stat: Stat): string {
    const time = (ms: number) => (ms === 0 ? '0' : Math.abs(ms - this.#startMs) < 120_000 ? 'now' : 'earlier')
    const { czxid, mzxid, pzxid, ctimeMs, mtimeMs, ephemeralOwner, ...plain } = stat
    const zxids = [czxid, mzxid, pzxid].map((zxid) => this.zxid(zxid))
    return JSON.stringify([...zxids, time(ctimeMs), time(mtimeMs), this.session(ephemeralOwner), plain])
  }

  close(): void {
    for (const client of this.#clients) client.close()
  }
}

/** A client whose answers are written down. */
export class Actor {
  readonly raw: TestClient
  session: Connected | undefined
  readonly #transcript: Transcript
  readonly #name: string
  #eventsSaid = 0

  constructor(transcript: Transcript, raw: TestClient, name: string) {
    this.#transcript = transcript
    this.raw = raw
    this.#name = name
  }

  async connect(options: ConnectOptions = {}): Promise<void> {
    const connected = await within(`${this.#name} is answered`, this.raw.connect(options), ANSWER_WITHIN_MS)
    this.session = connected
    const { timeoutMs, sessionId, password, readOnly } = connected ?? {}
    const id = sessionId === undefined ? 'closed' : this.#transcript.session(sessionId)
    this.#say(`connect: ${id} ${timeoutMs} ms, password of ${password?.length}, read-only ${readOnly}`)
  }

  /** Sends a request and writes down what came: events first. */
  async call(what: string, type: number, body?: Buffer, xid?: number): Promise<void> {
    await this.wait(what, type, this.raw.call(type, body, xid))
  }

  /** Writes down the answer to a request that was sent. */
  async wait(what: string, type: number, sent: ReturnType<TestClient['call']>): Promise<void> {
    const answer = await within(`${this.#name} is answered: ${what}`, sent, ANSWER_WITHIN_MS)
    const zxid = this.#transcript.zxid(answer.zxid)
    this.#sayEvents()
    const content = answer.error === 'OK' ? this.#content(type, answer.body) : ''
    this.#say(`${what}: xid ${answer.xid} ${zxid} ${answer.error} ${content}${rest(answer.body)}`)
  }

  /**
   * Writes down that a request behind the end of its session was refused. Apache ZooKeeper may answer it before it closes
   * the connection, or not: it depends on its threads.
   */
  async refused(what: string, sent: ReturnType<TestClient['call']>): Promise<void> {
    const { error } = await within(`${this.#name} is answered: ${what}`, sent, ANSWER_WITHIN_MS)
    this.#say(`${what}: ${['CLOSED', 'SESSIONEXPIRED'].includes(error) ? 'refused' : error}`)
  }

  /** Writes down that the server closed the connection. */
  async closed(): Promise<void> {
    await within(`${this.#name} is closed`, this.raw.closed, ANSWER_WITHIN_MS)
    this.#sayEvents()
    this.#say('closed')
  }

  /** Waits for an event that nothing sent on this connection orders, and writes it down. */
  async told(): Promise<void> {
    await waitFor(`${this.#name} is told`, () => this.raw.events.length > this.#eventsSaid, ANSWER_WITHIN_MS)
    this.#sayEvents()
  }

  #sayEvents(): void {
    const events = this.raw.events.slice(this.#eventsSaid)
    this.#eventsSaid += events.length
    // Deletions at the end of a session come in no order.
    for (const event of events.sort()) this.#say(`event ${event}`)
  }

  #say(line: string): void {
    this.#transcript.say(`${this.#name} ${line.trim()}`)
  }

  #content(type: number, body: JuteReader): string {
    const stat = () => this.#transcript.stat(readStat(body))
    const names = () => JSON.stringify(body.vector(4, (reader) => reader.string())?.sort())
    switch (type) {
      case opCodes.create:
      case opCodes.sync:
        return `${body.string()}`
      case opCodes.create2:
      case opCodes.createContainer:
      case opCodes.createTtl:
        return `${body.string()} ${stat()}`
      case opCodes.setData:
      case opCodes.setAcl:
      case opCodes.exists:
        return stat()
      case opCodes.getData:
        return `${JSON.stringify(body.string())} ${stat()}`
      case opCodes.getChildren:
        return names()
      case opCodes.getChildren2:
        return `${names()} ${stat()}`
      case opCodes.getAcl:
        return `${JSON.stringify(body.vector(12, (reader) => [reader.int(), reader.string(), reader.string()]))} ${stat()}`
      case opCodes.multi:
        return JSON.stringify(
          readMulti(body).map((each) => ({ ...each, stat: each.stat && this.#transcript.stat(each.stat) })),
        )
      case opCodes.sasl:
        return `${body.buffer()}`
      default:
        return ''
    }
  }
}

function rest(body: JuteReader): string {
  return body.isAtEnd ? '' : ' and more bytes'
}
