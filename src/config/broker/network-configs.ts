import { atLeast, hostCounts, listOf, oneOf } from '../config-checks.ts'
import { boolean, int, list, long, string } from '../config-entry.ts'
import {
  nobodyAuthenticates,
  noSasl,
  noShareGroups,
  noUnstable,
  oneLoop,
  oneProcess,
  ownSchedule,
  systemBuffers,
} from '../without-effect.ts'

/** Listeners, connections and requests. */
export const networkConfigs = {
  advertisedListeners: list('advertised.listeners', {
    default: null,
    check: listOf([], { mayBeEmpty: false }),
    doc: 'Addresses that clients get. If unset, each client gets the address that it connected to. With several brokers, `host:port+n` gives each a port of its own.',
  }),
  connectionFailedAuthenticationDelayMs: int('connection.failed.authentication.delay.ms', {
    default: 100,
    check: atLeast(0),
    withoutEffect: nobodyAuthenticates,
    doc: 'How long a connection that failed to authenticate is kept before it is closed, in milliseconds.',
  }),
  connectionsMaxIdleMs: long('connections.max.idle.ms', {
    default: 600_000,
    doc: 'Milliseconds without traffic after which a connection is closed.',
  }),
  connectionsMaxReauthMs: long('connections.max.reauth.ms', {
    default: 0,
    withoutEffect: noSasl,
    doc: 'Longest lifetime of a SASL session, in milliseconds, until the client must authenticate again; 0: no limit.',
  }),
  earlyStartListeners: list('early.start.listeners', {
    default: null,
    check: listOf([]),
    withoutEffect: nobodyAuthenticates,
    doc: 'Listeners that may open before the authorizer is ready.',
  }),
  interBrokerListenerName: string('inter.broker.listener.name', {
    default: null,
    doc: 'Listener over which brokers talk to each other. Where there are others, its connections do not wait for the limits `max.connections` and `max.connection.creation.rate` of the whole broker, so that it can be administered when clients have used them up.',
  }),
  listenerSecurityProtocolMap: string('listener.security.protocol.map', {
    default: 'SASL_SSL:SASL_SSL,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT',
    applies: 'per-broker',
    doc: 'Security protocol of each listener name, as `NAME:PROTOCOL` pairs. It cannot be changed yet while the broker runs.',
  }),
  listeners: list('listeners', {
    default: 'PLAINTEXT://:9092',
    check: listOf([], { mayBeEmpty: false }),
    applies: 'per-broker',
    doc: 'Where the broker listens, as `NAME://host:port`; an empty host means all interfaces, port 0 any free port. It cannot be changed yet while the broker runs.',
  }),
  maxConnectionCreationRate: int('max.connection.creation.rate', {
    default: 2_147_483_647,
    check: atLeast(0),
    applies: 'cluster-wide',
    doc: 'New connections a second that the broker accepts, on all listeners together or, as `listener.name.x.max.connection.creation.rate`, on one of them. A burst that `quota.window.num` windows allow passes at once; beyond it, as many as `socket.listen.backlog.size` wait for their turn.',
  }),
  maxConnections: int('max.connections', {
    default: 2_147_483_647,
    check: atLeast(0),
    applies: 'cluster-wide',
    doc: 'Connections that the broker holds at a time, on all listeners together or, as `listener.name.x.max.connections`, on one of them. Beyond it, as many as `socket.listen.backlog.size` get no answer until others end. If the limit is lowered, or `inter.broker.listener.name` takes one more, the least recently used connections of other listeners are closed.',
  }),
  maxConnectionsPerIp: int('max.connections.per.ip', {
    default: 2_147_483_647,
    check: atLeast(0),
    applies: 'cluster-wide',
    doc: 'Connections from one address at a time; one more is closed at once.',
  }),
  maxConnectionsPerIpOverrides: string('max.connections.per.ip.overrides', {
    default: '',
    check: hostCounts,
    applies: 'cluster-wide',
    doc: 'Limits for single addresses or host names, as `address:count` pairs. Host names are looked up at the start and when the setting changes.',
  }),
  numIoThreads: int('num.io.threads', {
    default: 8,
    check: atLeast(1),
    applies: 'cluster-wide',
    withoutEffect: oneLoop,
    doc: 'Request threads.',
  }),
  numNetworkThreads: int('num.network.threads', {
    default: 3,
    check: atLeast(1),
    applies: 'cluster-wide',
    withoutEffect: oneLoop,
    doc: 'Socket threads.',
  }),
  backgroundThreads: int('background.threads', {
    default: 10,
    check: atLeast(1),
    applies: 'cluster-wide',
    withoutEffect: oneLoop,
    doc: 'Background threads.',
  }),
  queuedMaxRequestBytes: long('queued.max.request.bytes', {
    default: -1,
    doc: 'Bytes of requests in flight above which no more is read from sockets; -1: the broker chooses.',
  }),
  queuedMaxRequests: int('queued.max.requests', {
    default: 500,
    check: atLeast(1),
    doc: 'Requests of all connections together that are read and not answered yet. Beyond it, a connection is read only while it has none of them. A request that holds up its connection, such as a fetch that waits for data, does not count.',
  }),
  requestTimeoutMs: int('request.timeout.ms', {
    default: 30_000,
    withoutEffect: oneProcess,
    doc: 'How long a request between brokers may take, in milliseconds.',
  }),
  securityInterBrokerProtocol: string('security.inter.broker.protocol', {
    default: 'PLAINTEXT',
    check: oneOf('PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'),
    doc: 'Names the listener between brokers where `inter.broker.listener.name` is not set.',
  }),
  socketConnectionSetupTimeoutMaxMs: long('socket.connection.setup.timeout.max.ms', {
    default: 30_000,
    withoutEffect: oneProcess,
    doc: 'Upper bound of the growing time allowed for an outgoing connection, in milliseconds.',
  }),
  socketConnectionSetupTimeoutMs: long('socket.connection.setup.timeout.ms', {
    default: 10_000,
    withoutEffect: oneProcess,
    doc: 'Time allowed for a first attempt at an outgoing connection, in milliseconds.',
  }),
  socketListenBacklogSize: int('socket.listen.backlog.size', {
    default: 1024,
    differs: 'one event loop accepts and serves: clients that start together must not be refused while it is busy',
    check: atLeast(1),
    doc: 'Connections of a listener that may wait to be accepted. The system may have a lower limit.',
  }),
  socketReceiveBufferBytes: int('socket.receive.buffer.bytes', {
    default: 102_400,
    withoutEffect: systemBuffers,
    doc: 'SO_RCVBUF of sockets; -1: the system’s default.',
  }),
  socketRequestMaxBytes: int('socket.request.max.bytes', {
    default: 104_857_600,
    check: atLeast(1),
    doc: 'Largest accepted request, in bytes; a larger one closes the connection.',
  }),
  socketSendBufferBytes: int('socket.send.buffer.bytes', {
    default: 102_400,
    withoutEffect: systemBuffers,
    doc: 'SO_SNDBUF of sockets; -1: the system’s default.',
  }),
  fetchMaxBytes: int('fetch.max.bytes', {
    default: 57_671_680,
    check: atLeast(1024),
    doc: 'Most bytes in a fetch response, whatever the client requests.',
  }),
  maxIncrementalFetchSessionCacheSlots: int('max.incremental.fetch.session.cache.slots', {
    default: 1000,
    check: atLeast(0),
    doc: 'Fetch sessions that are remembered at a time (KIP-227).',
  }),
  maxRequestPartitionSizeLimit: int('max.request.partition.size.limit', {
    default: 2000,
    check: atLeast(1),
    doc: 'Most partitions that one DescribeTopicPartitions request is answered with.',
  }),
  deleteRecordsPurgatoryPurgeIntervalRequests: int('delete.records.purgatory.purge.interval.requests', {
    default: 1,
    withoutEffect: ownSchedule,
    doc: 'Purge interval of waiting DeleteRecords requests.',
  }),
  fetchPurgatoryPurgeIntervalRequests: int('fetch.purgatory.purge.interval.requests', {
    default: 1000,
    withoutEffect: ownSchedule,
    doc: 'Purge interval of waiting fetches.',
  }),
  producerPurgatoryPurgeIntervalRequests: int('producer.purgatory.purge.interval.requests', {
    default: 1000,
    withoutEffect: ownSchedule,
    doc: 'Purge interval of waiting produces.',
  }),
  shareFetchPurgatoryPurgeIntervalRequests: int('share.fetch.purgatory.purge.interval.requests', {
    default: 1000,
    withoutEffect: noShareGroups,
    doc: 'Purge interval of waiting share fetches.',
  }),
  unstableApiVersionsEnable: boolean('unstable.api.versions.enable', {
    default: false,
    shown: 'never',
    doc: 'Whether versions of APIs that may still change are served: InitProducerId v6, for two-phase commits (KIP-939).',
  }),
  unstableFeatureVersionsEnable: boolean('unstable.feature.versions.enable', {
    default: false,
    shown: 'never',
    withoutEffect: noUnstable,
    doc: 'Whether feature levels that may still change can be set.',
  }),
  telemetryMaxBytes: int('telemetry.max.bytes', {
    default: 1_048_576,
    check: atLeast(1),
    doc: 'Largest accepted metrics push of a client, as sent and unpacked, in bytes (KIP-714).',
  }),
} as const
