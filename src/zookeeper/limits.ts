/** What one endpoint holds at most. Each limit is far above what Kafka's tools and consumers ask for. */
export const limits = {
  /** Largest frame of a client. Source: jute.maxbuffer. */
  frameBytes: 0xfffff,
  /** Largest answer. Clients of ZooKeeper 3.4 and 3.5 take no frame of this size or more (ClientCnxnSocket.packetLen). */
  answerBytes: 4096 * 1024,
  /** Connections. Each holds a frame of up to 1 MB in the worst case. */
  connections: 1000,
  /** Sessions, with or without a connection. Without one they end within a minute. */
  sessions: 10_000,
  /** Requests of a connection that were read and not answered. ZooKeeper's globalOutstandingLimit is 1000 for all. */
  outstandingRequests: 200,
  /** Bytes of these requests: two of the largest. */
  outstandingBytes: 2 * 1024 * 1024,
  /** Answers and events that the client has not taken. Above it the connection is not read. */
  unsentBytes: 1024 * 1024,
  /** Events to a client that does not read. It is lost then anyway: it must connect anew and set its watches again. */
  unsentEventBytes: 16 * 1024 * 1024,
  /** Watches of a connection: a consumer has one for each topic that it reads. More in one request would hold up others. */
  watchesOfConnection: 10_000,
  /** Estimated memory of all watches. */
  watchBytes: 64 * 1024 * 1024,
  /** Estimated memory of all nodes of clients. */
  clientNodeBytes: 64 * 1024 * 1024,
  /** Nodes, the broker's included: room for a topic each of 100,000 partitions, twice. */
  nodeCount: 1_000_000,
  /** Proofs of identity of a connection, and the bytes of one. */
  authIds: 100,
  authBytes: 4096,
  /** Time for a new connection to ask for a session. Source: zookeeper.nio.sessionlessCnxnTimeout. */
  connectMs: 10_000,
  /** Requests of a connection, and bytes of answers, in one turn of the event loop. */
  requestsInTurn: 50,
  answerBytesInTurn: 1024 * 1024,
} as const

/** Shortest unit of session timeouts. They last 2 to 20 of it. Source: zookeeper.properties, ZooKeeperServer. */
export const TICK_MS = 3000
