import { apiByKey } from '../../protocol/apis/index.ts'
import { ByteReader } from '../../protocol/byte-reader.ts'
import { decode } from '../../protocol/codegen.ts'
import { readRequestHeader, readResponseHeader } from '../../protocol/headers.ts'
import { type ApiSchema, includesVersion } from '../../protocol/schema.ts'
import { foreignProtocol } from '../../src/network/foreign-protocol.ts'
import type { SimulatedClient, SimulatedConnection } from '../../src/network/simulated-transport.ts'
import type { SimulatedHost } from '../../storage/host/simulated-host.ts'
import { Finding } from './kind.ts'
import { int16, int32 } from './mutations.ts'
import { framed } from './request-frames.ts'

/** Target of requests. */
export interface Victim {
  readonly host: SimulatedHost
  /** socket.request.max.bytes. */
  readonly requestLimitBytes: number
  connect(client: SimulatedClient): SimulatedConnection
  /** Faults that the target has logged since the last call. */
  faults(): string[]
}

export interface Answer {
  readonly api: ApiSchema
  readonly version: number
  readonly body: Record<string, unknown>
}

/** 'answered': every request was. 'closed': by the broker. 'cut': by the client, in the middle of a frame. */
export interface Outcome {
  readonly ending: 'answered' | 'closed' | 'cut' | 'waiting'
  readonly answers: readonly Answer[]
}

const API_VERSIONS = 18
const PRODUCE = 0
const FETCH = 1
const JOIN_GROUP = 11
const SYNC_GROUP = 14

/** In virtual time. Longer than any wait that a request can cause without a wait time in one of its fields. */
const PATIENCE_MS = 20 * 60_000

/**
 * Sends chunks over a new connection and waits until all requests are answered or the connection is closed. Throws
 * Finding if neither happens, or if a client could not read an answer.
 */
export async function exchange(victim: Victim, chunks: readonly Buffer[]): Promise<Outcome> {
  const { frames, ending } = framing(Buffer.concat(chunks), victim.requestLimitBytes)
  const session = new Session(victim, unusedCorrelationId(frames))
  for (const chunk of chunks) session.send(chunk)
  if (ending === 'whole') session.sendProbe()
  let isWaiting = false
  if (ending === 'cut') {
    await victim.host.advance(100)
    session.close()
  } else isWaiting = !(await session.hasEnded())
  checkFaults(victim)
  const answers = ending === 'foreign' ? [] : readAnswers(frames, session)
  if (isWaiting) checkWait(frames[session.answers.length], ending)
  if (ending === 'foreign' && !session.isClosed)
    throw new Finding('the connection is open after a size that is refused')
  session.close()
  if (isWaiting) return { ending: 'waiting', answers }
  if (ending === 'cut') return { ending: 'cut', answers }
  return { ending: session.isProbeAnswered ? 'answered' : 'closed', answers }
}

export function checkFaults(victim: Victim): void {
  const faults = victim.faults()
  if (faults.length > 0) throw new Finding(`the broker found a fault of its own:\n${faults.join('\n')}`)
}

/**
 * Splits a stream into frames. ending: 'whole': the stream ends with a frame. 'cut': it ends inside a frame.
 * 'unreadable': a frame size is invalid. 'foreign': the first bytes are those of another protocol.
 */
function framing(
  stream: Buffer,
  limitBytes: number,
): { frames: Buffer[]; ending: 'whole' | 'cut' | 'unreadable' | 'foreign' } {
  const frames: Buffer[] = []
  if (foreignProtocol(stream) !== undefined) return { frames, ending: 'foreign' }
  for (let at = 0; at < stream.length; ) {
    if (stream.length - at < 4) return { frames, ending: 'cut' }
    const size = stream.readInt32BE(at)
    if (size <= 0 || size > limitBytes) return { frames, ending: 'unreadable' }
    if (stream.length - at - 4 < size) return { frames, ending: 'cut' }
    frames.push(stream.subarray(at + 4, at + 4 + size))
    at += 4 + size
  }
  return { frames, ending: 'whole' }
}

function correlationIdOf(frame: Buffer): number | undefined {
  return frame.length < 8 ? undefined : frame.readInt32BE(4)
}

function unusedCorrelationId(frames: readonly Buffer[]): number {
  let id = 0x5eed0000
  while (frames.some((frame) => correlationIdOf(frame) === id)) id++
  return id
}

/** One client connection and its outcome. */
class Session {
  /** Received frames without their sizes, except the answer to the probe. */
  readonly answers: Buffer[] = []
  isClosed = false
  isProbeAnswered = false
  readonly #victim: Victim
  readonly #connection: SimulatedConnection
  readonly #probeId: number
  #received: Buffer = Buffer.alloc(0)
  #ended: (() => void) | undefined

  constructor(victim: Victim, probeId: number) {
    this.#victim = victim
    this.#probeId = probeId
    this.#connection = victim.connect({
      onBytes: (chunk) => this.#onBytes(chunk),
      onClose: () => {
        this.isClosed = true
        this.#ended?.()
      },
    })
  }

  send(chunk: Buffer): void {
    // The transport forwards the chunk unchanged.
    this.#connection.send(chunk)
  }

  /** Sends a request that is always answered; its answer shows that all earlier requests are complete. */
  sendProbe(): void {
    this.send(framed(Buffer.concat([int16(API_VERSIONS), int16(0), int32(this.#probeId), int16(-1)])))
  }

  close(): void {
    if (!this.isClosed) this.#connection.close()
  }

  /** False if it does not end within the longest wait allowed to a client. */
  async hasEnded(): Promise<boolean> {
    if (this.isClosed || this.isProbeAnswered) return true
    let timer: { cancel(): void } | undefined
    const { host } = this.#victim
    await host.settle(
      new Promise<void>((resolve) => {
        this.#ended = resolve
        timer = host.timers.after(PATIENCE_MS, resolve)
      }),
    )
    timer?.cancel()
    return this.isClosed || this.isProbeAnswered
  }

  #onBytes(chunk: Buffer): void {
    let rest = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk])
    while (rest.length >= 4 && rest.length >= 4 + rest.readInt32BE()) {
      const end = 4 + rest.readInt32BE()
      if (end < 8) throw new Finding(`an answer of ${end - 4} bytes`)
      this.#onAnswer(rest.subarray(4, end))
      rest = rest.subarray(end)
    }
    this.#received = rest
  }

  #onAnswer(answer: Buffer): void {
    if (answer.readInt32BE() !== this.#probeId) {
      this.answers.push(answer)
      return
    }
    this.isProbeAnswered = true
    this.#ended?.()
  }
}

/** Decodes the answers, each with its request's schema. Only a produce request may have no answer. */
function readAnswers(frames: readonly Buffer[], { answers, isProbeAnswered }: Session): Answer[] {
  let next = 0
  const read = answers.map((bytes) => {
    const correlationId = bytes.readInt32BE()
    while (next < frames.length && correlationIdOf(frames[next]!) !== correlationId && mayBeSilent(frames[next]!))
      next++
    const frame = frames[next++]
    if (frame === undefined || correlationIdOf(frame) !== correlationId) {
      throw new Finding(`an answer with correlation id ${correlationId}, which is not the next request's`)
    }
    return readAnswer(frame, bytes)
  })
  if (!isProbeAnswered) return read
  const unanswered = frames.slice(next).find((frame) => !mayBeSilent(frame))
  if (unanswered !== undefined) throw new Finding(`no answer to ${describe(unanswered)}, but one to a later request`)
  return read
}

function mayBeSilent(frame: Buffer): boolean {
  return frame.length >= 2 && frame.readInt16BE() === PRODUCE
}

function describe(frame: Buffer): string {
  if (frame.length < 4) return `a frame of ${frame.length} bytes`
  const key = frame.readInt16BE()
  return `${apiByKey.get(key)?.name ?? `api ${key}`} v${frame.readInt16BE(2)}`
}

function readAnswer(frame: Buffer, bytes: Buffer): Answer {
  const api = apiByKey.get(frame.readInt16BE())
  if (api === undefined) throw new Finding(`an answer to ${describe(frame)}`)
  const asked = frame.readInt16BE(2)
  const isKnown = includesVersion(api.versions, asked)
  if (!isKnown && api.key !== API_VERSIONS) throw new Finding(`an answer to ${describe(frame)}`)
  const version = isKnown ? asked : 0
  const reader = new ByteReader(bytes)
  let body: Record<string, unknown>
  try {
    readResponseHeader(reader, api, version)
    body = decode(api.response, version, reader)
  } catch (error) {
    throw new Finding(
      `the answer to ${describe(frame)} cannot be read: ${(error as Error).message}: ${bytes.toString('hex')}`,
    )
  }
  if (reader.remaining > 0) throw new Finding(`${reader.remaining} bytes behind the answer to ${describe(frame)}`)
  return { api, version, body }
}

/** Fetch, JoinGroup and SyncGroup may wait as long as the request says. */
function checkWait(frame: Buffer | undefined, ending: string): void {
  if (frame === undefined) throw new Finding(`the connection is stuck behind its last request (${ending})`)
  const key = frame.readInt16BE()
  if (key === JOIN_GROUP || key === SYNC_GROUP) return
  if (key === FETCH && maxWaitMs(frame) >= PATIENCE_MS) return
  throw new Finding(`no answer to ${describe(frame)} in ${PATIENCE_MS / 60_000} minutes, and the connection is open`)
}

function maxWaitMs(frame: Buffer): number {
  const reader = new ByteReader(frame)
  const { apiKey, apiVersion } = readRequestHeader(reader)
  const request = decode(apiByKey.get(apiKey)!.request, apiVersion, reader) as { maxWaitMs: number }
  return request.maxWaitMs
}
