import type { MetricName, Metrics } from './metrics.ts'

/** Keeps all values by MBean name, for tests. */
export class RecordedMetrics implements Metrics {
  readonly isSilent = false
  readonly counts = new Map<string, number>()
  readonly values = new Map<string, number[]>()
  readonly gauges = new Map<string, () => number>()

  counter(metric: MetricName) {
    const name = mBeanName(metric)
    return { add: (count: number) => void this.counts.set(name, (this.counts.get(name) ?? 0) + count) }
  }

  histogram(metric: MetricName) {
    const name = mBeanName(metric)
    return { record: (value: number) => void this.values.set(name, [...(this.values.get(name) ?? []), value]) }
  }

  gauge(metric: MetricName, read: () => number) {
    const name = mBeanName(metric)
    this.gauges.set(name, read)
    return () => void this.gauges.delete(name)
  }
}

function mBeanName({ group, type, name, tags = {} }: MetricName): string {
  const keys = { type, name, ...tags }
  return `${group}:${Object.entries(keys)
    .map(([key, value]) => `${key}=${value}`)
    .join(',')}`
}
