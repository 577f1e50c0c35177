import { errorCodes } from './error-codes.ts'
import { Frames } from './frames.ts'
import { JuteReader, JuteWriter } from './jute.ts'
import type { Stat } from './node-state.ts'
import { opCodes } from './op-codes.ts'

/** Bytes to and from a server. */
export interface Wire {
  send(bytes: Buffer): void
  close(): void
}

/** Connects; calls `onBytes` and, once, `onClose`. */
export type Dial = (client: { onBytes(chunk: Buffer): void; onClose(): void }) => Wire | Promise<Wire>

/** An answer, decoded as far as its header. */
export interface Answer {
  readonly xid: number
  readonly zxid: number
  /** Name of the code, or the code if it has none here; CLOSED: the connection closed first. */
  readonly error: string
  readonly body: JuteReader
}

/** What a session was answered with. */
export interface Connected {
  readonly timeoutMs: number
  readonly sessionId: bigint
  readonly password: Buffer
  /** Undefined if the byte is missing. */
  readonly readOnly: boolean | undefined
}

export interface TestAcl {
  readonly perms: number
  readonly scheme: string | null
  readonly id: string | null
}

export interface ConnectOptions {
  readonly timeoutMs?: number
  readonly sessionId?: bigint
  readonly password?: Buffer | null
  readonly lastZxid?: number
  /** false: like a client older than 3.4. */
  readonly hasReadOnly?: boolean
}

export const anyone: readonly TestAcl[] = [{ perms: 31, scheme: 'world', id: 'anyone' }]
const NO_PASSWORD = Buffer.alloc(16)
const LARGEST = 0x7fffffff
const namesByCode = new Map<number, string>(Object.entries(errorCodes).map(([name, code]) => [code, name]))

/** Speaks the protocol without any cleverness: one connection, requests as they are asked for. */
export class TestClient {
  /** Events so far, as `type path`. */
  readonly events: string[] = []
  isClosed = false
  /** Resolves once the connection is closed. */
  readonly closed: Promise<void>
  /** Everything that came before a session was asked for: the answer to a four-letter word. */
  text = ''
  /** Answers that no call waits for, by xid. */
  readonly #expected = new Map<number, () => void>()
  #takesAnything = false
  /** Resolves with the first message after `expectAnything`. */
  readonly anything: Promise<void>
  #markAnything!: () => void
  #wire!: Wire
  #wantsText = false
  #xid = 0
  readonly #waiting: { readonly wantsHeader: boolean; readonly resolve: (message: Buffer | undefined) => void }[] = []
  readonly #frames: Frames
  #markClosed!: () => void

  private constructor() {
    this.closed = new Promise((resolve) => {
      this.#markClosed = resolve
    })
    this.anything = new Promise((resolve) => {
      this.#markAnything = resolve
    })
    this.#frames = new Frames(
      LARGEST,
      () => false,
      (message) => this.#onMessage(message),
    )
  }

  static async dial(dial: Dial): Promise<TestClient> {
    const client = new TestClient()
    client.#wire = await dial({
      onBytes: (chunk) => {
        if (client.#wantsText) client.text += chunk.toString('utf8')
        else client.#frames.push(chunk)
      },
      onClose: () => client.#onClose(),
    })
    return client
  }

  /** Sends a four-letter word and returns what comes until the server closes. */
  async word(word: string, rest: Buffer = Buffer.alloc(0)): Promise<string> {
    this.#wantsText = true
    this.#wire.send(Buffer.concat([Buffer.from(word), rest]))
    await this.closed
    return this.text
  }

  /** Sends any bytes. */
  raw(bytes: Buffer): void {
    this.#wire.send(bytes)
  }

  /** From now on answers come to requests that were sent by `raw`. */
  expectAnything(): void {
    this.#takesAnything = true
  }

  /** Resolves with the answer to the request of that xid, sent by `raw`. */
  answerTo(xid: number): Promise<void> {
    return new Promise((resolve) => this.#expected.set(xid, resolve))
  }

  close(): void {
    this.#wire.close()
  }

  /** Asks for a session; undefined: the connection was closed without an answer. */
  async connect({
    timeoutMs = 30_000,
    sessionId = 0n,
    password = NO_PASSWORD,
    lastZxid = 0,
    hasReadOnly = true,
  }: ConnectOptions = {}): Promise<Connected | undefined> {
    const writer = new JuteWriter().int(0).long(lastZxid).int(timeoutMs).exactLong(sessionId).buffer(password)
    if (hasReadOnly) writer.boolean(false)
    const message = await this.#exchange(writer.bytes(), false)
    if (message === undefined) return undefined
    const reader = new JuteReader(message, 4)
    const answer = { timeoutMs: reader.int(), sessionId: reader.exactLong(), password: reader.buffer()! }
    return { ...answer, readOnly: reader.isAtEnd ? undefined : reader.boolean() }
  }

  /** Sends a request. xid: the next number unless given. */
  async call(type: number, body: Buffer = Buffer.alloc(0), xid = ++this.#xid): Promise<Answer> {
    const message = await this.#exchange(Buffer.concat([new JuteWriter().int(xid).int(type).bytes(), body]), true)
    if (message === undefined) return { xid, zxid: 0, error: 'CLOSED', body: new JuteReader(Buffer.alloc(0)) }
    const reader = new JuteReader(message)
    const header = { xid: reader.int(), zxid: reader.long() }
    const code = reader.int()
    return { ...header, error: namesByCode.get(code) ?? `${code}`, body: reader }
  }

  #exchange(message: Buffer, wantsHeader: boolean): Promise<Buffer | undefined> {
    if (this.isClosed) return Promise.resolve(undefined)
    const answer = new Promise<Buffer | undefined>((resolve) => this.#waiting.push({ wantsHeader, resolve }))
    this.#wire.send(new JuteWriter().buffer(message).bytes())
    return answer
  }

  #onMessage(message: Buffer): void {
    if (this.#takesAnything && this.#waiting.length === 0) {
      this.#markAnything()
      this.#expected.get(message.readInt32BE(0))?.()
      return
    }
    if (this.#waiting[0]?.wantsHeader !== false && message.readInt32BE(0) === -1) {
      const reader = new JuteReader(message, 16)
      const type = ['', 'created', 'deleted', 'dataChanged', 'childrenChanged'][reader.int()]
      const state = reader.int()
      this.events.push(`${type} ${reader.string()}${state === 3 ? '' : ` in state ${state}`}`)
      return
    }
    const waiting = this.#waiting.shift()
    if (waiting === undefined) throw new Error('an answer to nothing')
    waiting.resolve(message)
  }

  #onClose(): void {
    this.isClosed = true
    for (const { resolve } of this.#waiting.splice(0)) resolve(undefined)
    this.#markClosed()
  }
}

/** Bodies of requests. */
export const bodies = {
  create: (path: string | null, data: string | null, acl: readonly TestAcl[] | null = anyone, flags = 0) => {
    const writer = new JuteWriter().string(path).string(data)
    return withAcl(writer, acl).int(flags).bytes()
  },
  createTtl: (path: string, flags: number, ttlMs: number) =>
    withAcl(new JuteWriter().string(path).string('x'), anyone).int(flags).long(ttlMs).bytes(),
  path: (path: string | null) => new JuteWriter().string(path).bytes(),
  pathAndVersion: (path: string | null, version = -1) => new JuteWriter().string(path).int(version).bytes(),
  pathAndWatch: (path: string | null, watch = false) => new JuteWriter().string(path).boolean(watch).bytes(),
  setData: (path: string | null, data: string | null, version = -1) =>
    new JuteWriter().string(path).string(data).int(version).bytes(),
  setAcl: (path: string | null, acl: readonly TestAcl[] | null, version = -1) =>
    withAcl(new JuteWriter().string(path), acl).int(version).bytes(),
  setWatches: (relativeZxid: number, ...paths: (readonly string[])[]) => {
    const writer = new JuteWriter().long(relativeZxid)
    for (const each of paths) writer.vector(each, (_, path) => writer.string(path))
    return writer.bytes()
  },
  auth: (scheme: string, auth: string) => new JuteWriter().int(0).string(scheme).string(auth).bytes(),
  /** Operations of a multi: type and body. */
  multi: (...ops: (readonly [type: number, body: Buffer])[]) =>
    Buffer.concat([
      ...ops.flatMap(([type, body]) => [new JuteWriter().int(type).boolean(false).int(-1).bytes(), body]),
      new JuteWriter().int(-1).boolean(true).int(-1).bytes(),
    ]),
}

function withAcl(writer: JuteWriter, acl: readonly TestAcl[] | null): JuteWriter {
  if (acl === null) return writer.int(-1)
  return writer.vector(acl, (_, { perms, scheme, id }) => writer.int(perms).string(scheme).string(id))
}

export function readStat(reader: JuteReader): Stat {
  return {
    czxid: reader.long(),
    mzxid: reader.long(),
    ctimeMs: reader.long(),
    mtimeMs: reader.long(),
    version: reader.int(),
    cversion: reader.int(),
    aversion: reader.int(),
    ephemeralOwner: reader.exactLong(),
    dataLength: reader.int(),
    numChildren: reader.int(),
    pzxid: reader.long(),
  }
}

/** One result of a multi: its type, and path, Stat or error as far as it has them. */
export interface MultiResult {
  readonly type: number
  readonly headerError: number
  readonly path?: string | null
  readonly stat?: Stat
  readonly error?: number
}

export function readMulti(reader: JuteReader): MultiResult[] {
  const results: MultiResult[] = []
  for (;;) {
    const [type, isDone, headerError] = [reader.int(), reader.boolean(), reader.int()]
    if (isDone) return results
    const head = { type, headerError }
    if (type === opCodes.create) results.push({ ...head, path: reader.string() })
    else if (type === opCodes.setData) results.push({ ...head, stat: readStat(reader) })
    else if (type === opCodes.createContainer) results.push({ ...head, path: reader.string(), stat: readStat(reader) })
    else if (type === opCodes.error) results.push({ ...head, error: reader.int() })
    else results.push(head)
  }
}
