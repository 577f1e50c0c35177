import type { ApiSchema } from '../../protocol/schema.ts'
import type { Counter, Histogram, Metrics } from '../observe/metrics.ts'

const group = 'kafka.network'
const type = 'RequestMetrics'

/** Counts answered requests and their times, by API and version. Source: RequestChannel.Metrics, RequestMetrics. */
export class RequestMetrics {
  readonly #metrics: Metrics
  /** By API key and version. */
  readonly #counts = new Map<number, Counter>()
  /** By API key. */
  readonly #times = new Map<number, Histogram>()

  private constructor(metrics: Metrics) {
    this.#metrics = metrics
  }

  /** Undefined if nobody reads the metrics. */
  static of(metrics: Metrics): RequestMetrics | undefined {
    return metrics.isSilent ? undefined : new RequestMetrics(metrics)
  }

  /** tookMs: from the arrival of the request until its response was given to the connection, which may be closed. */
  answered({ key, name }: ApiSchema, version: number, tookMs: number): void {
    const tags = { request: name }
    known(this.#counts, key * 1000 + version, () =>
      this.#metrics.counter({ group, type, name: 'RequestsPerSec', tags: { ...tags, version: String(version) } }),
    ).add(1)
    known(this.#times, key, () => this.#metrics.histogram({ group, type, name: 'TotalTimeMs', tags })).record(tookMs)
  }
}

function known<T>(all: Map<number, T>, key: number, create: () => T): T {
  const found = all.get(key) ?? create()
  all.set(key, found)
  return found
}
