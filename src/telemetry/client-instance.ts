import type { ErrorName } from '../../protocol/error-codes.ts'
import type { ClientAttributes, Wanted } from './subscription.ts'

/** A push as far as it can be refused without looking at the metrics. */
export interface PushHeader {
  readonly subscriptionId: number
  readonly terminating: boolean
  readonly compressionType: number
  /** Size of the metrics as sent. */
  readonly sizeBytes: number
}

/** zstd, lz4, gzip and snappy; 0: not compressed. */
const NEWEST_COMPRESSION = 4

/** One client that is asked for its metrics. Decides whether it asks or pushes too early. Source: ClientMetricsInstance. */
export class ClientInstance {
  readonly id: string
  readonly attributes: ClientAttributes
  readonly wanted: Wanted
  /** Number of changes of subscriptions that `wanted` takes into account. */
  readonly version: number
  /** Connection of the last request. */
  connectionId = ''
  /** When it is forgotten, in milliseconds of the monotonic clock. */
  expiresMs = 0
  #lastGetMs = Number.NEGATIVE_INFINITY
  #lastPushMs = Number.NEGATIVE_INFINITY
  #isTerminating = false
  /** Outcome of the last push or question. */
  lastError: ErrorName = 'NONE'

  constructor(id: string, attributes: ClientAttributes, wanted: Wanted, version: number) {
    this.id = id
    this.attributes = attributes
    this.wanted = wanted
    this.version = version
  }

  /** Takes a question for subscriptions, which is allowed once an interval, and after errors that it can cure. */
  ask(nowMs: number): ErrorName {
    const isDue = nowMs - Math.max(this.#lastGetMs, this.#lastPushMs) >= this.wanted.pushIntervalMs
    if (isDue) this.#lastGetMs = nowMs
    const mayAskAgain =
      this.lastError === 'UNKNOWN_SUBSCRIPTION_ID' || this.lastError === 'UNSUPPORTED_COMPRESSION_TYPE'
    if (!isDue && !mayAskAgain) return 'THROTTLING_QUOTA_EXCEEDED'
    this.lastError = 'NONE'
    return 'NONE'
  }

  /** Takes a push, which is allowed once an interval, after a question, and as the last one. */
  push(header: PushHeader, maxBytes: number, nowMs: number): ErrorName {
    const error = this.#pushError(header, maxBytes, nowMs)
    if (error !== 'NONE') this.lastError = error
    this.#isTerminating = header.terminating
    return error
  }

  #pushError(header: PushHeader, maxBytes: number, nowMs: number): ErrorName {
    if (this.#isTerminating) return 'INVALID_REQUEST'
    const isDue = this.#lastGetMs > this.#lastPushMs || nowMs - this.#lastPushMs >= this.wanted.pushIntervalMs
    if (isDue) this.#lastPushMs = nowMs
    if (!isDue && !header.terminating) return 'THROTTLING_QUOTA_EXCEEDED'
    if (header.subscriptionId !== this.wanted.subscriptionId) return 'UNKNOWN_SUBSCRIPTION_ID'
    const { compressionType } = header
    if (compressionType < 0 || compressionType > NEWEST_COMPRESSION) return 'UNSUPPORTED_COMPRESSION_TYPE'
    return header.sizeBytes > maxBytes ? 'TELEMETRY_TOO_LARGE' : 'NONE'
  }
}
