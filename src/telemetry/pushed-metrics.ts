import type { ClientAttributes } from './subscription.ts'

/** The last push of a client. */
export interface PushedMetrics {
  readonly clientInstanceId: string
  readonly attributes: ClientAttributes
  /** Wall clock, in milliseconds since 1970. */
  readonly receivedMs: number
  /** OTLP MetricsData (application/x-protobuf), not compressed. */
  readonly content: Buffer
}

interface Kept {
  readonly pushed: PushedMetrics
  readonly expiresMs: number
}

/** Memory of all clients together; one client has at most telemetry.max.bytes. */
const MOST_KEPT_BYTES = 16 * 1024 * 1024

/** What clients pushed: the last push of each, until it is out of date or others need the room. */
export class PushedMetricsStore {
  /** By client instance, the oldest push first. */
  readonly #kept = new Map<string, Kept>()
  #bytes = 0

  /** Keeps a push. The oldest ones of others go if all are too large together. */
  keep(pushed: PushedMetrics, expiresMs: number): void {
    this.#forget(pushed.clientInstanceId)
    this.#kept.set(pushed.clientInstanceId, { pushed, expiresMs })
    this.#bytes += pushed.content.length
    for (const id of this.#kept.keys()) {
      if (this.#bytes <= MOST_KEPT_BYTES) return
      this.#forget(id)
    }
  }

  expire(nowMs: number): void {
    for (const [id, { expiresMs }] of this.#kept) if (expiresMs <= nowMs) this.#forget(id)
  }

  get size(): number {
    return this.#kept.size
  }

  /** The last push of each client, the oldest first. */
  *all(): Generator<PushedMetrics, undefined> {
    for (const { pushed } of this.#kept.values()) yield pushed
  }

  #forget(id: string): void {
    this.#bytes -= this.#kept.get(id)?.pushed.content.length ?? 0
    this.#kept.delete(id)
  }
}
