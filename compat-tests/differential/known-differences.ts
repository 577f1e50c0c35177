import { brokerConfigs } from '../../src/config/broker-configs.ts'

/** Where Ottla answers something else than Apache Kafka 4.4, and why that is meant. */
export interface KnownDifference {
  readonly place: RegExp
  readonly reason: string
}

function ofSetting(name: string, reason: string): KnownDifference {
  return { place: new RegExp(`^DescribeConfigs .*configs\\.\\[${name.replaceAll('.', '\\.')}\\]`), reason }
}

export const knownDifferences: readonly KnownDifference[] = [
  ...Object.values(brokerConfigs)
    .filter(({ differs }) => differs !== undefined)
    .map(({ name, differs }) => ofSetting(name, `the default differs: ${differs}`)),
  {
    place: /^DescribeQuorum .*(leaderEpoch|highWatermark|logEndOffset|lastFetchTimestamp|lastCaughtUpTimestamp)$/,
    reason: 'how often Kafka’s quorum elected, and how much its controller wrote, is its own affair',
  },
  {
    place: /^DescribeQuorum .*nodes\.\[0\]\.listeners/,
    reason: 'Ottla’s controller is in the process itself: nobody can connect to it',
  },
  ofSetting('advertised.listeners', 'Ottla tells each client the address that it connected to, and is started without'),
  ofSetting('cluster.id', 'a setting of Ottla’s own, by which this test gives both the same id'),
  ofSetting('listeners', 'Kafka’s controller needs a listener of its own'),
]
