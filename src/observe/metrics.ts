/** A metric under Kafka's MBean name: `kafka.network:type=RequestMetrics,name=TotalTimeMs,request=Produce`. */
export interface MetricName {
  /** Kafka's package: `kafka.network`. */
  readonly group: string
  readonly type: string
  readonly name: string
  /** Further keys of the MBean name, in Kafka's order. */
  readonly tags?: Readonly<Record<string, string>>
}

/** Counts events. Kafka also shows its rate (a Yammer meter). */
export interface Counter {
  add(count: number): void
}

/** Keeps the distribution of values. */
export interface Histogram {
  record(value: number): void
}

/** The broker's own metrics. Keep what is returned: a metric is created once, and used often. */
export interface Metrics {
  /** True: nobody reads the metrics. Skip work that is done for them alone, such as reading the clock. */
  readonly isSilent: boolean
  counter(metric: MetricName): Counter
  histogram(metric: MetricName): Histogram
  /** `read` is called whenever somebody looks. Returns a function that removes the gauge. */
  gauge(metric: MetricName, read: () => number): () => void
}

const silentCounter: Counter = { add() {} }
const silentHistogram: Histogram = { record() {} }

/** Keeps nothing. */
export const silentMetrics: Metrics = {
  isSilent: true,
  counter: () => silentCounter,
  histogram: () => silentHistogram,
  gauge: () => () => {},
}
