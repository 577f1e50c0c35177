/** The tools of Apache Kafka's downloads, by the names of their scripts: main classes, and the jars that hold them. */

/** Jars beside the core's and the tools' that only some tools need. */
export type ExtraJars = 'connect' | 'shell' | 'trogdor'

/** One tool. */
export interface StockTool {
  /** Main classes, the newest first: most moved out of the core. */
  readonly classes: readonly string[]
  readonly extra?: ExtraJars
  /** Newest version that Maven has it for; absent if that is the newest of all. */
  readonly until?: '4.3.1' | '2.8.2' | '1.1.1'
  /** True for a class that is the main class of no known tool. */
  readonly isUnknown?: true
}

const tools = 'org.apache.kafka.tools'
const connect = 'org.apache.kafka.connect'
const trogdor = 'org.apache.kafka.trogdor'
// connect-file, connect-mirror, kafka-shell and trogdor of 4.4.0 are not on Maven.
const withConnect = { extra: 'connect', until: '4.3.1' } as const
const withTrogdor = { extra: 'trogdor', until: '4.3.1' } as const

/** Every tool that is known, by the name of its script without `.sh`. trogdor.sh has one for each of its actions. */
export const stockTools: Readonly<Record<string, StockTool>> = {
  'connect-distributed': { classes: [`${connect}.cli.ConnectDistributed`], ...withConnect },
  'connect-mirror-maker': { classes: [`${connect}.mirror.MirrorMaker`], ...withConnect },
  'connect-plugin-path': { classes: [`${tools}.ConnectPluginPath`], ...withConnect },
  'connect-standalone': { classes: [`${connect}.cli.ConnectStandalone`], ...withConnect },
  'kafka-acls': { classes: [`${tools}.AclCommand`, 'kafka.admin.AclCommand'] },
  'kafka-broker-api-versions': {
    classes: [`${tools}.BrokerApiVersionsCommand`, 'kafka.admin.BrokerApiVersionsCommand'],
  },
  'kafka-client-metrics': { classes: [`${tools}.ClientMetricsCommand`] },
  'kafka-cluster': { classes: [`${tools}.ClusterTool`, 'kafka.tools.ClusterTool'] },
  'kafka-configs': { classes: [`${tools}.ConfigCommand`, 'kafka.admin.ConfigCommand'] },
  'kafka-console-consumer': { classes: [`${tools}.consumer.ConsoleConsumer`, 'kafka.tools.ConsoleConsumer'] },
  'kafka-console-producer': { classes: [`${tools}.ConsoleProducer`, 'kafka.tools.ConsoleProducer'] },
  'kafka-console-share-consumer': { classes: [`${tools}.consumer.ConsoleShareConsumer`] },
  'kafka-consumer-groups': {
    classes: [`${tools}.consumer.group.ConsumerGroupCommand`, 'kafka.admin.ConsumerGroupCommand'],
  },
  'kafka-consumer-perf-test': { classes: [`${tools}.ConsumerPerformance`, 'kafka.tools.ConsumerPerformance'] },
  'kafka-delegation-tokens': { classes: [`${tools}.DelegationTokenCommand`, 'kafka.admin.DelegationTokenCommand'] },
  'kafka-delete-records': { classes: [`${tools}.DeleteRecordsCommand`, 'kafka.admin.DeleteRecordsCommand'] },
  'kafka-dump-log': { classes: [`${tools}.DumpLogSegments`, 'kafka.tools.DumpLogSegments'] },
  'kafka-e2e-latency': { classes: [`${tools}.EndToEndLatency`, 'kafka.tools.EndToEndLatency'] },
  'kafka-features': { classes: [`${tools}.FeatureCommand`, 'kafka.admin.FeatureCommand'] },
  'kafka-get-offsets': { classes: [`${tools}.GetOffsetShell`, 'kafka.tools.GetOffsetShell'] },
  'kafka-groups': { classes: [`${tools}.GroupsCommand`] },
  'kafka-jmx': { classes: [`${tools}.JmxTool`, 'kafka.tools.JmxTool'] },
  'kafka-leader-election': { classes: [`${tools}.LeaderElectionCommand`, 'kafka.admin.LeaderElectionCommand'] },
  'kafka-log-dirs': { classes: [`${tools}.LogDirsCommand`, 'kafka.admin.LogDirsCommand'] },
  'kafka-metadata-quorum': { classes: [`${tools}.MetadataQuorumCommand`, 'kafka.admin.MetadataQuorumCommand'] },
  'kafka-metadata-shell': { classes: ['org.apache.kafka.shell.MetadataShell'], extra: 'shell', until: '4.3.1' },
  'kafka-mirror-maker': { classes: ['kafka.tools.MirrorMaker'], until: '2.8.2' },
  'kafka-preferred-replica-election': {
    classes: ['kafka.admin.PreferredReplicaLeaderElectionCommand'],
    until: '2.8.2',
  },
  'kafka-producer-perf-test': { classes: [`${tools}.ProducerPerformance`] },
  'kafka-reassign-partitions': {
    classes: [`${tools}.reassign.ReassignPartitionsCommand`, 'kafka.admin.ReassignPartitionsCommand'],
  },
  'kafka-replica-verification': {
    classes: [`${tools}.ReplicaVerificationTool`, 'kafka.tools.ReplicaVerificationTool'],
  },
  'kafka-share-consumer-perf-test': { classes: [`${tools}.ShareConsumerPerformance`] },
  'kafka-share-groups': { classes: [`${tools}.consumer.group.ShareGroupCommand`] },
  'kafka-simple-consumer-shell': { classes: ['kafka.tools.SimpleConsumerShell'], until: '1.1.1' },
  'kafka-storage': { classes: ['kafka.tools.StorageTool'] },
  'kafka-streams-application-reset': { classes: [`${tools}.StreamsResetter`, 'kafka.tools.StreamsResetter'] },
  'kafka-streams-groups': { classes: [`${tools}.streams.StreamsGroupCommand`] },
  'kafka-topics': { classes: [`${tools}.TopicCommand`, 'kafka.admin.TopicCommand'] },
  'kafka-transactions': { classes: [`${tools}.TransactionsCommand`] },
  'kafka-verifiable-consumer': { classes: [`${tools}.VerifiableConsumer`] },
  'kafka-verifiable-producer': { classes: [`${tools}.VerifiableProducer`] },
  'kafka-verifiable-share-consumer': { classes: [`${tools}.VerifiableShareConsumer`] },
  'trogdor-agent': { classes: [`${trogdor}.agent.Agent`], ...withTrogdor },
  'trogdor-agent-client': { classes: [`${trogdor}.agent.AgentClient`], ...withTrogdor },
  'trogdor-client': { classes: [`${trogdor}.coordinator.CoordinatorClient`], ...withTrogdor },
  'trogdor-coordinator': { classes: [`${trogdor}.coordinator.Coordinator`], ...withTrogdor },
  'zookeeper-security-migration': { classes: ['kafka.admin.ZkSecurityMigrator'], until: '2.8.2' },
  'zookeeper-shell': {
    classes: ['org.apache.zookeeper.ZooKeeperMainWithTlsSupportForKafka', 'org.apache.zookeeper.ZooKeeperMain'],
    until: '2.8.2',
  },
}

const extraArtifacts: Readonly<Record<ExtraJars, readonly string[]>> = {
  connect: ['connect-runtime', 'connect-file', 'connect-mirror'],
  shell: ['kafka-shell'],
  trogdor: ['trogdor'],
}

/** Artifacts of extra jars in that version; empty if its tools hold the classes. */
export function artifactsOf(extra: ExtraJars, version: string): readonly string[] {
  if (extra === 'trogdor' && isOlder(version, '3.3')) return []
  if (extra === 'connect' && isOlder(version, '2.4')) return ['connect-runtime', 'connect-file']
  return extraArtifacts[extra]
}

/** A class as a tool. Classes of Connect and Trogdor get the extra jars. */
export function toolOfClass(name: string): StockTool {
  const known = Object.values(stockTools).find(({ classes }) => classes.includes(name))
  if (known !== undefined) return { ...known, classes: [name] }
  if (name.startsWith(`${connect}.`)) return { classes: [name], isUnknown: true, ...withConnect }
  if (name.startsWith(`${trogdor}.`)) return { classes: [name], isUnknown: true, ...withTrogdor }
  return { classes: [name], isUnknown: true }
}

/** True if the first version precedes the second; only as many numbers as the second has count. */
export function isOlder(version: string, than: string): boolean {
  const numbers = version.split('.').map(Number)
  for (const [index, number] of than.split('.').map(Number).entries()) {
    const own = numbers[index] ?? 0
    if (own !== number) return own < number
  }
  return false
}
