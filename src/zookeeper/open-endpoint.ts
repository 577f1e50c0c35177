import type { Host } from '../../storage/host/host.ts'
import type { Slices } from '../../storage/host/turn-slices.ts'
import type { ConfigStore } from '../config/config-store.ts'
import type { ZooKeeperAddress } from '../config/zookeeper-connect.ts'
import type { MetadataStore } from '../metadata/metadata-store.ts'
import type { Transport } from '../network/transport.ts'
import type { Logger } from '../observe/logger.ts'
import { ZooKeeperEndpoint } from './endpoint.ts'
import { InternalNodeStore, type InternalNodeStoreParts } from './kafka/internal-node-store.ts'
import { KafkaNodes } from './kafka/kafka-nodes.ts'

/**
 * Zxids from one broker epoch to the next. Each start has a higher epoch, so zxids go on rising over restarts. A run with
 * more changes than this reaches into the next epochs, which harms nothing: stored nodes are looked at, too.
 */
const ZXIDS_PER_EPOCH = 2 ** 20

export interface EndpointParts {
  readonly nodeId: number
  readonly host: Host
  readonly slices: Slices
  readonly logger: Logger
  readonly configs: ConfigStore
  /** Of a broker that runs. */
  readonly configsOf: (nodeId: number) => ConfigStore | undefined
  readonly metadata: MetadataStore
  readonly transport: Transport
  readonly dataDirectory: string
  /** True for a name that resolves to an address. */
  isHost(name: string): Promise<boolean>
  /** A partition at its leader. */
  readonly leaderFor: InternalNodeStoreParts['leaderFor']
}

/** The endpoint with Kafka's tree of this broker; it does nothing before `listen`. */
export function openZooKeeperEndpoint({ chroot }: ZooKeeperAddress, parts: EndpointParts): ZooKeeperEndpoint {
  const { nodeId, host, slices, logger, configs, metadata, transport, dataDirectory } = parts
  const { isHost, leaderFor, configsOf } = parts
  const nowMs = () => host.clock.nowMs()
  return new ZooKeeperEndpoint({
    host,
    transport,
    logger,
    dataDirectory,
    chroot,
    firstZxid: ((metadata.image.brokers.get(nodeId)?.epoch ?? 0) + 1) * ZXIDS_PER_EPOCH,
    store: new InternalNodeStore({ slices, timers: host.timers, configs, metadata, leaderFor, nowMs }),
    nodes: new KafkaNodes({
      nodeId,
      host,
      slices,
      logger,
      configs,
      configsOf,
      metadata,
      nowMs,
      isHost,
    }),
  })
}
