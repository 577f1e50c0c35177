import { expect } from 'chai'
import { silentMetrics } from './metrics.ts'

describe('silent metrics', () => {
  const metric = { group: 'kafka.server', type: 'BrokerTopicMetrics', name: 'MessagesInPerSec' }

  it('take what they are given and never read a gauge', () => {
    let reads = 0
    silentMetrics.counter(metric).add(1)
    silentMetrics.histogram(metric).record(1)
    silentMetrics.gauge(metric, () => ++reads)()
    expect(reads).to.equal(0)
    expect(silentMetrics.isSilent).to.equal(true)
  })
})
