import { connect } from 'node:net'
import { BufferPool } from '../../protocol/buffer-pool.ts'
import { FrameReader } from '../../protocol/frame.ts'
import {
  type ApiSchema,
  defaultsOf,
  type Fields,
  type InputValue,
  type ValueOf,
  ZERO_UUID,
} from '../../protocol/schema.ts'
import type { RawClient } from '../raw-client.ts'
import { within } from '../wait-for.ts'
import { versionName } from './versions.ts'

/** One request and its masked response, in which two brokers must agree. */
export interface Exchange {
  /** `CreateTopics v7: duplicate names`. */
  readonly label: string
  readonly answer: unknown
  /** `CreateTopics v7`, once it has been answered. */
  readonly answered?: string
}

/** A request in which omitted fields have their default. */
export type Loose<T> = T extends Buffer | string | number | boolean | bigint | null | undefined
  ? T
  : T extends readonly (infer E)[]
    ? readonly Loose<E>[]
    : { readonly [K in keyof T]?: Loose<T[K]> }

export type Send = <Q extends Fields, S extends Fields>(
  api: ApiSchema<Q, S>,
  version: number,
  what: string,
  request: Loose<InputValue<Q>>,
  /** Selects the compared part of the response if other scenarios affect the rest. */
  part?: (answer: ValueOf<S>) => unknown,
) => Promise<ValueOf<S>>

/**
 * Sends bytes on a separate connection and keeps the reply: the expected number of frames, or the closing of the
 * connection.
 */
export type Knock = (what: string, bytes: Buffer, answers?: number) => Promise<void>

/** Longer than any request of a scenario should wait. */
const PATIENCE_MS = 20_000

/** Fields that differ from run to run. Equal values stay recognisable: the first topic id is always `topicId 1`. */
const identities = new Set([
  'topicId',
  'memberId',
  'leader',
  'producerId',
  'clusterId',
  'directoryId',
  'sessionId',
  'clientInstanceId',
])
const times = new Set([
  'logAppendTimeMs',
  'timestampMs',
  'maxTimestampMs',
  'issueTimestampMs',
  'leaderRecoveryTimeMs',
  'transactionStartTimeMs',
])
const places = new Set([
  'finalizedFeaturesEpoch',
  'port',
  'host',
  'logDir',
  'totalBytes',
  'usableBytes',
  'throttleTimeMs',
])
/** Arrays in the order of a hash table in Kafka. */
const unordered = new Set([
  'topics',
  'results',
  'responses',
  'configs',
  'configResources',
  'brokers',
  'groups',
  'members',
  'credentialInfos',
  'partitions',
  'apiKeys',
  'partitionResponses',
  'subscribedTopicNames',
  'transactionStates',
  'resultsByTransaction',
  'resultsByTopicV3AndBelow',
  'topicResults',
  'resultsByPartition',
  'markers',
  'activeProducers',
])

/** Records and masks one broker's responses in a scenario. */
export class Transcript {
  readonly exchanges: Exchange[] = []
  readonly #identities = new Map<string, Map<unknown, string>>()
  readonly #ports: ReadonlyMap<unknown, string>

  /** ports: what each port is called, where it matters which one an answer names. */
  constructor(ports: ReadonlyMap<unknown, string> = new Map()) {
    this.#ports = ports
  }

  /** Sends on this client and keeps the masked response. A closed connection counts as a response. */
  sender(client: RawClient): Send {
    return async (api, version, what, request, part) => {
      const whole = filled(api.request.fields, request) as never
      // Preparatory requests: repeated until they succeed, not recorded.
      if (what.startsWith('~')) return client.send(api, version, whole)
      const name = versionName(api.name, version)
      const exchange: { -readonly [K in keyof Exchange]: Exchange[K] } = {
        label: `${name}: ${what}`,
        answer: undefined,
      }
      // In request order: responses on several connections may overtake each other.
      this.exchanges.push(exchange)
      try {
        const response = await within(exchange.label, client.send(api, version, whole), PATIENCE_MS)
        exchange.answer = this.#mask('', part === undefined ? response : part(response))
        exchange.answered = name
        return response
      } catch (error) {
        exchange.answer = `no answer: ${(error as Error).message}`
        throw new Error(`${exchange.label}: ${(error as Error).message}`, { cause: error })
      }
    }
  }

  /** Returns a Knock for this port. */
  knocker(port: number): Knock {
    return async (what, bytes, answers = 1) => {
      this.exchanges.push({ label: `bytes: ${what}`, answer: await framesAfter(port, bytes, answers) })
    }
  }

  #mask(field: string, value: unknown): unknown {
    if (Buffer.isBuffer(value)) return value.length === 0 ? '' : `${value.length} bytes`
    if (Array.isArray(value)) {
      const sorted = unordered.has(field) ? this.#inOrder(value) : value
      return sorted.map((each) => this.#mask(field, each))
    }
    if (typeof value === 'bigint') return String(value)
    if (value !== null && typeof value === 'object')
      return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, this.#mask(name, each)]))
    if (field === 'port' && this.#ports.has(value)) return this.#ports.get(value)
    if (places.has(field)) return `<${field}>`
    if (times.has(field)) return typeof value === 'number' && value > 0 ? `<${field}>` : value
    if (typeof value === 'string' && field === 'batchIndexErrorMessage')
      return value.replace(/\[-?\d+, \d+\]/, '<times>')
    if (typeof value === 'string' && field === 'value') return withoutPlaces(value)
    return identities.has(field) ? this.#identity(field, value) : value
  }

  /** Sorts members and producers by first appearance, other elements by name, and numbers by size. */
  #inOrder(elements: readonly unknown[]): unknown[] {
    if (elements.every((each) => typeof each === 'number')) return [...elements].sort((a, b) => a - b)
    const known = (field: string, element: unknown) =>
      this.#identities.get(field)?.get(((element ?? {}) as Record<string, unknown>)[field]) ?? '~'
    const key = (element: unknown) =>
      `${known('memberId', element)} ${known('producerId', element)} ${sortKey(element)}`
    return [...elements].sort((a, b) => (key(a) < key(b) ? -1 : 1))
  }

  #identity(field: string, value: unknown): unknown {
    if (field === 'sessionId' && value === 0) return value
    if (value === null || value === '' || value === ZERO_UUID || value === -1) return value
    // A group's leader is one of its members.
    const kind = field === 'leader' ? 'memberId' : field
    const known = this.#identities.get(kind) ?? new Map<unknown, string>()
    this.#identities.set(kind, known)
    const name = known.get(value) ?? `${kind} ${known.size + 1}`
    known.set(value, name)
    return name
  }
}

function sortKey(element: unknown): string {
  if (element === null || typeof element !== 'object') return String(element)
  const { name, topic, groupId, resourceName, resourceType, errorCode, brokerId, nodeId, mechanism, apiKey, ...rest } =
    element as Record<string, unknown>
  return JSON.stringify([
    name ??
      topic ??
      rest.topicName ??
      rest.user ??
      rest.transactionalId ??
      groupId ??
      resourceName ??
      brokerId ??
      nodeId ??
      mechanism ??
      apiKey ??
      '',
    resourceType,
    rest.index ?? rest.partitionIndex ?? rest.partition ?? rest.partitionId,
    errorCode,
  ])
}

function filled(fields: Fields, value: object): object {
  const whole: Record<string, unknown> = { ...defaultsOf(fields), ...value }
  for (const [name, field] of Object.entries(fields)) {
    const given = whole[name]
    const inner = field.kind === 'struct' ? field.fields : field.element?.fields
    if (inner === undefined || given === null || given === undefined) continue
    whole[name] = Array.isArray(given) ? given.map((each) => filled(inner, each)) : filled(inner, given)
  }
  return whole
}

/** Masks ports and temporary directories in values of settings. */
function withoutPlaces(text: string): string {
  return text.replace(/127\.0\.0\.1:\d+/g, '127.0.0.1:<port>').replace(/\/tmp\/ottla-test-[^/,]+/g, '<directory>')
}

/** The frames received in reply, in hexadecimal; `closed` at the end if the connection ended. */
function framesAfter(port: number, bytes: Buffer, answers: number): Promise<string[]> {
  return new Promise((resolve) => {
    const frames: string[] = []
    const socket = connect({ port, host: '127.0.0.1' })
    const reader = new FrameReader(new BufferPool(), 0x7fffffff, (frame) => {
      frames.push(frame.bytes.toString('hex'))
      if (frames.length === answers) end()
    })
    const end = (...more: string[]) => {
      clearTimeout(timer)
      socket.removeAllListeners('close').destroy()
      resolve([...frames, ...more])
    }
    const timer = setTimeout(() => end('nothing more'), PATIENCE_MS)
    socket.on('data', (chunk) => reader.push(chunk))
    socket.on('error', () => {}) // 'close' follows
    socket.on('close', () => end('closed'))
    socket.write(bytes)
  })
}
