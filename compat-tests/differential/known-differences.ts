import { brokerConfigs } from '../../src/config/broker-configs.ts'
import { oldestIn44 } from './versions.ts'

/** A response of Ottla that differs on purpose from Apache Kafka 4.4, and the reason. */
export interface KnownDifference {
  readonly place: RegExp
  readonly reason: string
}

function ofSetting(name: string, reason: string): KnownDifference {
  return { place: new RegExp(`^DescribeConfigs .*configs\\.\\[${name.replaceAll('.', '\\.')}\\]`), reason }
}

/** APIs that Apache Kafka serves and Ottla does not advertise in ApiVersions, by feature. */
const unfinished: Readonly<Record<string, readonly string[]>> = {
  'share groups are not finished': [
    'ShareGroupHeartbeat',
    'ShareGroupDescribe',
    'ShareFetch',
    'ShareAcknowledge',
    'InitializeShareGroupState',
    'ReadShareGroupState',
    'WriteShareGroupState',
    'DeleteShareGroupState',
    'ReadShareGroupStateSummary',
    'DescribeShareGroupOffsets',
    'AlterShareGroupOffsets',
    'DeleteShareGroupOffsets',
  ],
  'streams groups are not finished': [
    'StreamsGroupHeartbeat',
    'StreamsGroupDescribe',
    'StreamsGroupTopologyDescriptionUpdate',
  ],
}

/**
 * Kafka 4.x does not answer old Produce versions but advertises them for librdkafka (KAFKA-18659). Only brokers and
 * tools write markers, and no old broker shares a cluster with Ottla.
 */
const sameOldest = new Set(['Produce', 'WriteTxnMarkers'])

/** Together they explain every difference in ApiVersions. The test fails if an entry is no longer needed. */
const served: readonly KnownDifference[] = [
  ...Object.entries(unfinished).flatMap(([reason, apis]) =>
    apis.map((api) => ({ place: new RegExp(`^ApiVersions .*apiKeys\\.\\[${api}\\]$`), reason })),
  ),
  ...Object.keys(oldestIn44)
    .filter((api) => !sameOldest.has(api))
    .map((api) => ({
      place: new RegExp(`^ApiVersions .*apiKeys\\.\\[${api}\\]\\.minVersion$`),
      reason: 'Kafka 4 has dropped what clients before 2.1 say; Ottla serves them from 0.8 on',
    })),
]

export const knownDifferences: readonly KnownDifference[] = [
  ...Object.values(brokerConfigs)
    .filter(({ differs }) => differs !== undefined)
    .map(({ name, differs }) => ofSetting(name, `the default differs: ${differs}`)),
  {
    place: /^DescribeQuorum .*(leaderEpoch|highWatermark|logEndOffset|lastFetchTimestamp|lastCaughtUpTimestamp)$/,
    reason: 'the number of elections and of records that the controller wrote differs between runs',
  },
  ...served,
  {
    place: /^GetTelemetrySubscriptions v0: (empty|of a client without an id) \/ subscriptionId$/,
    reason: 'it depends on the id of the client, which is random',
  },
  {
    place: /^ApiVersions .*apiKeys\.\[(GetTelemetrySubscriptions|PushTelemetry)\]$/,
    reason: 'Kafka advertises them with a receiver that is loaded as a plugin; Ottla receives itself',
  },
  {
    place: /: a (huge length|length beyond the end|length of nothing)(: | \/ )/,
    reason:
      'Kafka stores records of a compressed batch whose length is not that of their fields, and no consumer can read them; Ottla refuses them',
  },
  {
    place: /^Fetch .*: a hundred bytes \/ .*\.records\.\[?0\]?$/,
    reason:
      'Kafka fills an answer up to its limit with the beginning of a batch, which clients discard; Ottla sends whole batches',
  },
  {
    place: /^Metadata .* the first time \/ topics\.\[asked[^\]]*\]\.(errorCode|topicId|partitions\.\[?0\]?)$/,
    reason: 'Kafka’s controller creates the topic later and the client retries; Ottla has created it by then',
  },
  {
    place: /^ListOffsets v11: a part: latest, committed \/ topics\.\[tx-drop-part-\d\]\..*\.offset$/,
    reason:
      'Kafka names the first offset of the open transaction, which was deleted; Ottla, like both in Fetch, the first that is left',
  },
  {
    place: /^DescribeConfigs .*: documentation \/ .*\.documentation$/,
    reason: 'Ottla describes settings in its own words',
  },
  ofSetting('advertised.listeners', 'Ottla tells each client the address that it connected to, and is started without'),
  ofSetting('cluster.id', 'a setting of Ottla’s own, by which this test gives both the same id'),
]

/** The same for controller listeners. */
export const knownControllerDifferences: readonly KnownDifference[] = [
  {
    place: /^ApiVersions .*apiKeys\.\[(Fetch|5[234689]|6[237]|7[03]|82)\]$/,
    reason: 'only brokers and other controllers send them: Ottla is the one node',
  },
  ...knownDifferences,
]
