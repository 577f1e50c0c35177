import { expect } from 'chai'
import { ConfigStore } from '../config/config-store.ts'
import { InvalidSetting } from '../config/config-value.ts'
import { readStaticConfig } from '../config/static-config.ts'
import { autoCreatedTopic } from './auto-created-topics.ts'

const three = {
  'offsets.topic.replication.factor': '3',
  'transaction.state.log.replication.factor': '3',
  'transaction.state.log.min.isr': '2',
  'share.coordinator.state.topic.replication.factor': '3',
  'share.coordinator.state.topic.min.isr': '2',
}

function topics(brokerCount: number) {
  const read = readStaticConfig(new Map(Object.entries(three)))
  if (read instanceof InvalidSetting) throw new Error(read.message)
  const { broker } = new ConfigStore(read, 1)
  return ['__consumer_offsets', '__transaction_state', '__share_group_state'].map((name) => {
    const { replicationFactor, configs } = autoCreatedTopic(name, broker, brokerCount)
    return [replicationFactor, configs.get('min.insync.replicas')]
  })
}

describe('an internal topic', () => {
  it('has at most as many replicas, and min.insync.replicas, as there are brokers', () => {
    const alone = [
      [1, undefined],
      [1, '1'],
      [1, '1'],
    ]
    expect(topics(1)).to.deep.equal(alone)
    expect(topics(0)).to.deep.equal(alone)
    expect(topics(2)).to.deep.equal([
      [2, undefined],
      [2, '2'],
      [2, '2'],
    ])
    expect(topics(5)).to.deep.equal([
      [3, undefined],
      [3, '2'],
      [3, '2'],
    ])
  })
})
