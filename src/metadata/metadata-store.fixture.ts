import { SimulatedHost } from '../../storage/host/simulated-host.ts'
import { TurnSlices } from '../../storage/host/turn-slices.ts'
import { ConfigStore } from '../config/config-store.ts'
import { InvalidSetting } from '../config/config-value.ts'
import { readStaticConfig } from '../config/static-config.ts'
import { silentLogger } from '../observe/logger.ts'
import { HostedReplicas } from './hosted-replicas.ts'
import { LogBackedMetadataStore } from './log-backed-metadata-store.ts'
import type { NewTopic } from './metadata-store.ts'
import { topicRules } from './topic-rules.ts'

const DIRECTORY = 'directoryOneAAAAAAAAAA'

/** A metadata store on in-memory files, which survive a restart. */
export class StoreOnMemory {
  readonly host: SimulatedHost
  readonly hosted = new HostedReplicas(1, [DIRECTORY])
  readonly configs: ConfigStore
  readonly store: LogBackedMetadataStore
  /** What the store told of its directory. */
  readonly diskFailures: Error[] = []

  private constructor(host: SimulatedHost, properties: Record<string, string>) {
    const staticConfig = readStaticConfig(new Map(Object.entries(properties)))
    if (staticConfig instanceof InvalidSetting) throw new Error(staticConfig.message)
    this.host = host
    this.configs = new ConfigStore(staticConfig, 1)
    host.files.makeDirectory('/data')
    this.store = LogBackedMetadataStore.open({
      onDiskFailure: (error) => this.diskFailures.push(error),
      host,
      slices: new TurnSlices(host),
      logger: silentLogger,
      directory: '/data',
      clusterId: 'test-cluster',
      nodeId: 1,
      hosted: this.hosted,
      controllerEndpoints: [],
      voter: { nodeId: 1, directoryId: DIRECTORY, endpoint: { name: 'CONTROLLER', host: 'h', port: 1 } },
      snapshotBytes: () => this.configs.broker.metadataLogMaxRecordBytesBetweenSnapshots,
    })
    this.configs.apply(this.store.image.configs, [...this.store.image.configs.keys()])
    this.store.onChange((image, change) => this.configs.apply(image.configs, change.configsChanged))
  }

  static async start(
    host = new SimulatedHost(1),
    properties: Record<string, string> = {},
    options: { isControllerOnly?: boolean } = {},
  ): Promise<StoreOnMemory> {
    const opened = new StoreOnMemory(host, properties)
    const rules = topicRules(host, opened.configs, opened.hosted)
    await host.settle(opened.store.start(rules, { nowMs: host.clock.nowMs(), adopted: [] }))
    if (options.isControllerOnly === true) return opened
    const advertised = [{ name: 'PLAINTEXT', host: '', port: 9092, securityProtocol: 0 }]
    const broker = { nodeId: 1, rack: null, directoryIds: [DIRECTORY], advertised, fenced: false }
    await host.settle(opened.store.brokers.register(broker, { nowMs: host.clock.nowMs() }))
    return opened
  }

  get change() {
    return { nowMs: this.host.clock.nowMs(), principal: 'User:ANONYMOUS' }
  }

  create(...topics: NewTopic[]) {
    return this.host.settle(this.store.createTopics(topics, this.change))
  }
}

/** A topic to create, by default with one partition and one replica. */
export function newTopic(name: string, wish: Partial<NewTopic> = {}): NewTopic {
  return {
    name,
    partitionCount: 1,
    replicationFactor: 1,
    assignments: new Map(),
    configs: new Map(),
    validateOnly: false,
    ...wish,
  }
}
