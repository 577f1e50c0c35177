import { DecompressionFault } from '../../protocol/compression/codec.ts'
import { codecOf } from '../../protocol/compression/codecs.ts'
import type { ErrorName } from '../../protocol/error-codes.ts'
import type { Host, Timer } from '../../storage/host/host.ts'
import { runInSlices, type Slices } from '../../storage/host/turn-slices.ts'
import { configResourceKey, configResourceType } from '../metadata/metadata-image.ts'
import type { MetadataStore } from '../metadata/metadata-store.ts'
import type { Logger } from '../observe/logger.ts'
import { ClientInstance } from './client-instance.ts'
import { type PushedMetrics, PushedMetricsStore } from './pushed-metrics.ts'
import { type ClientAttributes, type Subscription, subscriptionOf, wantedFrom } from './subscription.ts'

/** The client of a request. */
export interface TelemetryClient {
  readonly connectionId: string
  readonly clientId: string | null
  readonly softwareName: string
  readonly softwareVersion: string
  readonly host: string
  readonly port: number
}

export interface Push {
  readonly clientInstanceId: string
  readonly subscriptionId: number
  readonly terminating: boolean
  readonly compressionType: number
  readonly metrics: Buffer
}

/** Kafka's limit. */
const MOST_INSTANCES = 16_384
const SHORTEST_EXPIRY_MS = 60_000
const PREFIX = configResourceKey(configResourceType.clientMetrics, '')

/**
 * Asks clients for their metrics and keeps what they push (KIP-714). Subscriptions are settings in the metadata. Source:
 * ClientMetricsManager.
 */
export class ClientMetrics {
  readonly #host: Pick<Host, 'clock' | 'timers' | 'random'>
  readonly #logger: Logger
  readonly #maxBytes: () => number
  readonly #subscriptions = new Map<string, Subscription>()
  #version = 0
  /** The least recently used first. */
  readonly #instances = new Map<string, ClientInstance>()
  readonly #byConnection = new Map<string, string>()
  readonly #pushed = new PushedMetricsStore()
  #sweep: Timer | undefined
  readonly #unsubscribe: () => void

  /** maxBytes: telemetry.max.bytes. */
  constructor(
    host: Pick<Host, 'clock' | 'timers' | 'random'>,
    logger: Logger,
    metadata: Pick<MetadataStore, 'image' | 'onChange'>,
    maxBytes: () => number,
  ) {
    this.#host = host
    this.#logger = logger
    this.#maxBytes = maxBytes
    const { configs } = metadata.image
    this.#apply(configs, [...configs.keys()])
    this.#unsubscribe = metadata.onChange((image, { configsChanged }) => this.#apply(image.configs, configsChanged))
  }

  stop(): void {
    this.#unsubscribe()
    this.#sweep?.cancel()
  }

  /** The last push of each client, the oldest first, unless it is out of date. */
  pushed(): Iterable<PushedMetrics> {
    return this.#pushed.all()
  }

  /** What a client is asked for, or why it must wait. A client without an id, the zero uuid, gets one. */
  subscriptionsOf(givenId: string | undefined, client: TelemetryClient) {
    const id = givenId ?? this.#newId()
    const instance = this.#instance(id, client)
    const error = instance.ask(this.#host.clock.monotonicMs())
    return { error, id, wanted: instance.wanted, maxBytes: this.#maxBytes() }
  }

  /** Keeps a push and answers its error. The metrics are copied. */
  async push(push: Push, client: TelemetryClient, slices: Slices): Promise<ErrorName> {
    const instance = this.#instance(push.clientInstanceId, client)
    const header = { ...push, sizeBytes: push.metrics.length }
    const error = instance.push(header, this.#maxBytes(), this.#host.clock.monotonicMs())
    if (error !== 'NONE') return error
    instance.lastError = 'NONE'
    if (push.metrics.length === 0) return 'NONE'
    const content = await runInSlices(unpacked(push, this.#maxBytes()), slices)
    const { clientId, softwareName, softwareVersion } = client
    const from = { client: `${client.host}:${client.port}`, clientId, softwareName, softwareVersion }
    if (content === undefined) {
      this.#logger.info(from, 'refused the metrics of a client: they are damaged, or too large unpacked')
      instance.lastError = 'INVALID_RECORD'
      return 'INVALID_RECORD'
    }
    const { id: clientInstanceId, attributes } = instance
    const receivedMs = this.#host.clock.nowMs()
    this.#logger.debug({ ...from, bytes: content.length }, 'kept the metrics of a client')
    this.#pushed.keep({ clientInstanceId, attributes, receivedMs, content }, this.#expiryOf(instance))
    return 'NONE'
  }

  /** Forgets the client of a closed connection; what it pushed stays. */
  connectionClosed(connectionId: string): void {
    const id = this.#byConnection.get(connectionId)
    this.#byConnection.delete(connectionId)
    if (id !== undefined && this.#instances.get(id)?.connectionId === connectionId) this.#instances.delete(id)
  }

  #apply(configs: ReadonlyMap<string, ReadonlyMap<string, string>>, changed: readonly string[]): void {
    for (const key of changed) {
      if (!key.startsWith(PREFIX)) continue
      const settings = configs.get(key)
      if (settings === undefined || settings.size === 0) this.#subscriptions.delete(key)
      else this.#subscriptions.set(key, subscriptionOf(settings))
      this.#version++
    }
  }

  #newId(): string {
    for (;;) {
      const id = this.#host.random.uuid()
      if (!this.#instances.has(id)) return id
    }
  }

  /** The instance with this id. It is made anew when subscriptions have changed, so that it may ask at once. */
  #instance(id: string, client: TelemetryClient): ClientInstance {
    const known = this.#instances.get(id)
    const isCurrent = known !== undefined && known.version === this.#version
    const instance = isCurrent ? known : this.#made(id, known?.attributes ?? attributesOf(id, client))
    this.#byConnection.delete(instance.connectionId)
    this.#byConnection.set(client.connectionId, id)
    instance.connectionId = client.connectionId
    instance.expiresMs = this.#expiryOf(instance)
    this.#instances.delete(id)
    this.#instances.set(id, instance)
    this.#dropExcess()
    this.#scheduleSweep()
    return instance
  }

  #made(id: string, attributes: ClientAttributes): ClientInstance {
    return new ClientInstance(id, attributes, wantedFrom(this.#subscriptions.values(), attributes, id), this.#version)
  }

  #expiryOf({ wanted }: ClientInstance): number {
    return this.#host.clock.monotonicMs() + Math.max(SHORTEST_EXPIRY_MS, wanted.pushIntervalMs * 3)
  }

  #dropExcess(): void {
    if (this.#instances.size <= MOST_INSTANCES) return
    const [oldest] = this.#instances.values()
    this.#drop(oldest!)
  }

  #drop({ id, connectionId }: ClientInstance): void {
    this.#instances.delete(id)
    this.#byConnection.delete(connectionId)
  }

  /** Nothing runs while no client is known. */
  #scheduleSweep(): void {
    this.#sweep ??= this.#host.timers.after(SHORTEST_EXPIRY_MS, () => {
      this.#sweep = undefined
      const nowMs = this.#host.clock.monotonicMs()
      for (const instance of this.#instances.values()) if (instance.expiresMs <= nowMs) this.#drop(instance)
      this.#pushed.expire(nowMs)
      if (this.#instances.size + this.#pushed.size > 0) this.#scheduleSweep()
    })
  }
}

function attributesOf(id: string, client: TelemetryClient): ClientAttributes {
  return {
    client_instance_id: id,
    client_id: client.clientId,
    client_software_name: client.softwareName,
    client_software_version: client.softwareVersion,
    client_source_address: client.host,
    client_source_port: String(client.port),
  }
}

/** The content in slices of a piece each; undefined if it is damaged or larger than the limit. */
function* unpacked({ compressionType, metrics }: Push, maxBytes: number): Generator<void, Buffer | undefined> {
  const pieces = codecOf(compressionType)!.pieces(metrics)
  const copies: Buffer[] = []
  let size = 0
  for (;;) {
    const { value, done } = pieces.next()
    if (value instanceof DecompressionFault) return undefined
    if (done === true || value === undefined) return Buffer.concat(copies)
    size += value.length
    if (size > maxBytes) return undefined
    copies.push(Buffer.from(value))
    yield
  }
}
