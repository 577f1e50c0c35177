import { atLeast, listOf } from '../config-checks.ts'
import { boolean, className, int, list, long, longMax, string } from '../config-entry.ts'
import { noJava, noMetrics, noProviders, noStartLimit, ownController, protecting } from '../without-effect.ts'

/** The node itself. */
export const serverConfigs = {
  autoCreateTopicsEnable: boolean('auto.create.topics.enable', {
    default: true,
    doc: 'Whether a metadata request of a client creates the topics that it names.',
  }),
  brokerHeartbeatIntervalMs: int('broker.heartbeat.interval.ms', {
    default: 2000,
    withoutEffect: ownController,
    doc: 'How often a broker reports to the controller, in milliseconds.',
  }),
  brokerId: int('broker.id', { default: -1, doc: 'Old name of `node.id`.' }),
  brokerRack: string('broker.rack', {
    default: null,
    doc: 'Rack of this broker, reported to clients and used to place replicas.',
  }),
  brokerSessionTimeoutMs: int('broker.session.timeout.ms', {
    default: 9000,
    withoutEffect: ownController,
    doc: 'Silence after which a broker is fenced, in milliseconds.',
  }),
  clusterId: string('cluster.id', {
    default: null,
    shown: 'never',
    doc: 'Id of the cluster. If unset, it is read from the data directory, or a new one is made.',
  }),
  configProviders: list('config.providers', {
    default: '',
    check: listOf([]),
    applies: 'cluster-wide',
    withoutEffect: noProviders,
    doc: 'Providers of values that server.properties refers to.',
  }),
  controlledShutdownEnable: boolean('controlled.shutdown.enable', {
    default: true,
    doc: 'Whether a broker that stops while others run hands over its leaderships first.',
  }),
  initialBrokerRegistrationTimeoutMs: int('initial.broker.registration.timeout.ms', {
    default: 60_000,
    withoutEffect: ownController,
    doc: 'How long a starting broker waits for its registration, in milliseconds.',
  }),
  nodeId: int('node.id', {
    default: 1,
    check: atLeast(0),
    doc: 'Id of this node. If unset, it is read from the data directory.',
    differs: 'Kafka requires it; a single node does not need it',
  }),
  processRoles: list('process.roles', {
    default: 'broker,controller',
    check: listOf(['broker', 'controller'], { mayBeEmpty: false }),
    doc: 'Roles of this process. Ottla is both broker and controller: one of them alone ends the start.',
    differs: 'Kafka requires it; Ottla is both in one process',
  }),
  serverMaxStartupTimeMs: long('server.max.startup.time.ms', {
    default: longMax,
    check: atLeast(0),
    shown: 'never',
    withoutEffect: noStartLimit,
    doc: 'Longest time that a start may take, in milliseconds.',
  }),
  alterConfigPolicyClassName: className('alter.config.policy.class.name', {
    default: null,
    withoutEffect: protecting(noJava, 'settings would be changed unchecked'),
    doc: 'Java class that judges config changes.',
  }),
  createTopicPolicyClassName: className('create.topic.policy.class.name', {
    default: null,
    withoutEffect: protecting(noJava, 'topics would be created unchecked'),
    doc: 'Java class that judges new topics.',
  }),
  deleteTopicEnable: boolean('delete.topic.enable', { default: true, doc: 'Whether topics may be deleted.' }),
  defaultReplicationFactor: int('default.replication.factor', {
    default: 1,
    doc: 'Replicas of a topic created without a number; at most as many as there are brokers (Kafka refuses such a topic).',
  }),
  numPartitions: int('num.partitions', {
    default: 1,
    check: atLeast(1),
    doc: 'Partitions of a topic created without a number.',
  }),
  kafkaMetricsPollingIntervalSecs: int('kafka.metrics.polling.interval.secs', {
    default: 10,
    check: atLeast(1),
    withoutEffect: noMetrics,
    doc: 'Polling interval of `kafka.metrics.reporters`.',
  }),
  kafkaMetricsReporters: list('kafka.metrics.reporters', {
    default: '',
    check: listOf([]),
    withoutEffect: noJava,
    doc: 'Java classes of the old metrics library.',
  }),
  metricReporters: list('metric.reporters', {
    default: 'org.apache.kafka.common.metrics.JmxReporter',
    check: listOf([]),
    applies: 'cluster-wide',
    withoutEffect: noJava,
    doc: 'Java classes that metrics are reported to.',
  }),
  metricsNumSamples: int('metrics.num.samples', {
    default: 2,
    check: atLeast(1),
    withoutEffect: noMetrics,
    doc: 'Samples that a metric keeps.',
  }),
  metricsRecordingLevel: string('metrics.recording.level', {
    default: 'INFO',
    withoutEffect: noMetrics,
    doc: 'Detail of the metrics that are recorded.',
  }),
  metricsSampleWindowMs: long('metrics.sample.window.ms', {
    default: 30_000,
    check: atLeast(1),
    withoutEffect: noMetrics,
    doc: 'Milliseconds that one sample of a metric spans.',
  }),
} as const
