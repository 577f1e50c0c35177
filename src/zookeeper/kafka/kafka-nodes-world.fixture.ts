import { TurnSlices } from '../../../storage/host/turn-slices.ts'
import { StoreOnMemory } from '../../metadata/metadata-store.fixture.ts'
import type { Logger } from '../../observe/logger.ts'
import type { NodeChange } from '../broker-nodes.ts'
import { KafkaNodes } from './kafka-nodes.ts'
import { MemoryTree } from './memory-tree.fixture.ts'

/** Kafka's nodes over a real metadata store, written to as the ZooKeeper endpoint does. */
export class World {
  readonly tree = new MemoryTree()
  readonly lines: string[] = []
  readonly memory: StoreOnMemory
  readonly nodes: KafkaNodes

  private constructor(memory: StoreOnMemory) {
    this.memory = memory
    const logger: Logger = {
      error: (_, line) => this.lines.push(line),
      warn: (_, line) => this.lines.push(line),
      info() {},
      debug() {},
    }
    this.nodes = new KafkaNodes({
      nodeId: 1,
      host: memory.host,
      slices: new TurnSlices(memory.host),
      logger,
      configs: memory.configs,
      configsOf: (nodeId) => (nodeId === 1 ? memory.configs : undefined),
      metadata: memory.store,
      nowMs: () => memory.host.clock.nowMs(),
      isHost: async (name) => name === '10.0.0.1',
    })
  }

  static async start(properties: Record<string, string> = {}): Promise<World> {
    const world = new World(await StoreOnMemory.start(undefined, properties))
    await world.attach()
    return world
  }

  attach(): Promise<void> {
    return this.memory.host.settle(this.nodes.attach(this.tree))
  }

  /** undefined: done. 'plain': the node belongs to clients. Else the error. */
  async write(kind: 'create' | 'set', path: string, data: unknown): Promise<string | undefined> {
    const bytes = data === null ? null : Buffer.from(typeof data === 'string' ? data : JSON.stringify(data))
    return this.change(
      kind === 'create' ? { kind, path, data: bytes, isEphemeral: false } : { kind, path, data: bytes },
    )
  }

  async change(change: NodeChange): Promise<string | undefined> {
    const meaning = this.nodes.meaningOf(change)
    if (meaning === undefined) {
      if (change.kind !== 'delete') this.tree.put(change.path, change.data)
      return 'plain'
    }
    return typeof meaning === 'string' ? meaning : this.memory.host.settle(meaning.carryOut())
  }

  /** Another broker comes, or comes again. */
  async register(nodeId: number, rack: string | null = null): Promise<void> {
    const { hosted, host, store, change } = this.memory
    hosted.addNode(nodeId)
    const directoryIds = hosted.directoryIds.map((id) => hosted.idFor(nodeId, id))
    const advertised = [{ name: 'PLAINTEXT', host: `broker${nodeId}`, port: 9092, securityProtocol: 0 }]
    await host.settle(store.brokers.register({ nodeId, rack, directoryIds, advertised, fenced: false }, change))
    await this.passes()
  }

  /** A broker goes. */
  async fence(nodeId: number): Promise<void> {
    await this.memory.host.settle(this.memory.store.brokers.fence(nodeId, this.memory.change))
    await this.passes()
  }

  /** Lets what is done in the background take place. */
  async passes(): Promise<void> {
    await this.memory.host.advance(100)
  }

  get image() {
    return this.memory.store.image
  }

  json(path: string): unknown {
    const text = this.tree.text(path)
    return text === undefined || text === null ? text : JSON.parse(text)
  }
}
