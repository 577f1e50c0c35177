import type { Difference } from './compare-schema.ts'

/** An intended difference or a message without a schema, and the reason. */
export interface Exception {
  /** Version of Kafka whose definition differs; absent: all. */
  readonly kafka?: string
  readonly field: RegExp
  readonly what: RegExp
  readonly reason: string
}

export const exceptions: readonly Exception[] = [
  {
    field: /\.errorMessage$/,
    what: /^default /,
    reason: 'null, not the empty string: a handler that has nothing to say leaves it out. Never decides what is sent.',
  },
  {
    field: /^ProduceResponse\.(nodeEndpoints|responses\.partitionResponses\.currentLeader)$/,
    what: /^ignorable /,
    reason: 'the handler tells the leader whatever the version; a client that cannot read it does not get it.',
  },
  {
    kafka: '3.9.1',
    field: /^(Produce|OffsetCommit|OffsetFetch|TxnOffsetCommit)(Request|Response)\..*\.name$/,
    what: /^ignorable /,
    reason: 'became ignorable when topic ids took the place of names.',
  },
  {
    kafka: '3.9.1',
    field: /^TxnOffsetCommitRequest$/,
    what: /^fields /,
    reason: 'generationId was renamed to generationIdOrMemberEpoch in 4.4; its place and type are the same.',
  },
  {
    kafka: '3.9.1',
    field: /^UpdateFeaturesResponse\.results$/,
    what: /^ignorable /,
    reason: 'became ignorable when v2 dropped it.',
  },
  {
    kafka: '3.9.1',
    field: /^DescribeProducersRequest\.topics\.name$/,
    what: /^map key /,
    reason: 'became a map key later; it has no meaning on the wire.',
  },
  {
    kafka: '3.9.1',
    field: /^(Share(Fetch|Acknowledge|GroupHeartbeat)Request|Share(Fetch|Acknowledge)Response)\./,
    what: /^(ignorable|map key|entity) /,
    reason: 'share groups were early access in 3.9; what is on the wire is compared.',
  },
  {
    kafka: '3.9.1',
    field: /^(ReadShareGroupStateSummaryResponse\.results\.partitions|ShareGroupMetadataValue)$/,
    what: /^fields /,
    reason: 'changed within v0 while share groups were in development; never on by default in 3.9.',
  },
  {
    kafka: '3.9.1',
    field: /^(Legacy)?(OffsetCommit|GroupMetadata|(Consumer|Share)Group\w+)Key$/,
    what: /^(served|fields) /,
    reason: '3.9 counts the type of a record as the version of its key; since 4.0 they are apart.',
  },
  {
    kafka: '3.9.1',
    field: /^(OffsetCommit|TransactionLog|ConsumerGroup\w+)Value(\.\w+)?$/,
    what: /^tagged fields /,
    reason: 'tags that came after 3.9, which passes over them.',
  },
]

/** Messages of Kafka without a schema in Ottla. */
export const withoutSchema: readonly { readonly name: RegExp; readonly reason: string }[] = [
  { name: /^(Request|Response)Header$/, reason: 'by hand in headers.ts; compared with bytes in golden/.' },
  { name: /^RemoteLogSegment\w+Record$|^RemotePartition\w+Record$/, reason: 'tiered storage is not offered.' },
  { name: /^(AbortedTxn|ProducerSnapshot)$/, reason: 'files of a log, described in storage/.' },
  { name: /^(DefaultPrincipalData|Envelope\w+)$/, reason: 'requests forwarded to a controller; there is none apart.' },
  {
    name: /^(Vote|BeginQuorumEpoch|EndQuorumEpoch|FetchSnapshot|UpdateRaftVoter|AllocateProducerIds|AssignReplicasToDirs|AlterPartition|BrokerRegistration|BrokerHeartbeat|ControllerRegistration)(Request|Response)$/,
    reason: 'spoken to controllers only.',
  },
  {
    name: /^(LeaderAndIsr|StopReplica|UpdateMetadata|ControlledShutdown)(Request|Response)$/,
    reason: 'spoken between brokers under ZooKeeper, removed in 4.0.',
  },
  { name: /^ListClientMetricsResources(Request|Response)$/, reason: 'the former name of ListConfigResources.' },
  {
    name: /^ShareGroupPartitionMetadata(Key|Value)$/,
    reason: 'early access in 3.9, gone in 4.0.',
  },
]

export function exceptionFor(kafka: string, difference: Difference): Exception | undefined {
  return exceptions.find(
    (each) => (each.kafka ?? kafka) === kafka && each.field.test(difference.field) && each.what.test(difference.what),
  )
}
