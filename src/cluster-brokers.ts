import { Broker, type ClusterParts } from './broker.ts'
import { ClusterError } from './cluster-error.ts'
import type { ListenerAddress, Listeners } from './config/listeners.ts'
import { MOST_BROKERS } from './config/several-brokers.ts'
import { StartError } from './config/start-error.ts'
import type { BrokerStartSettings, StartSettings } from './config/start-settings.ts'
import type { Membership } from './membership/membership.ts'
import { foreignBrokerFault } from './metadata/absent-brokers.ts'
import type { HostedReplicas } from './metadata/hosted-replicas.ts'
import type { BrokerAddress } from './network/open-listener.ts'

export interface ClusterBrokersParts {
  readonly settings: StartSettings
  /** Uuids of the data directories that can be used. */
  readonly directoryIds: readonly string[]
  readonly shared: ClusterParts
  readonly membership: Membership
  readonly hosted: HostedReplicas
}

/** A broker of the cluster, whether it runs or not. */
interface KnownBroker {
  readonly settings: BrokerStartSettings
  /** Where it last listened for clients, and for the controller: it starts again at the same addresses. */
  addresses: readonly BrokerAddress[]
  controllerAddresses: readonly BrokerAddress[]
}

/** The brokers of a process: starts and stops them, one after the other, and tells the membership. */
export class ClusterBrokers {
  readonly #parts: ClusterBrokersParts
  readonly #known = new Map<number, KnownBroker>()
  readonly #running = new Map<number, Broker>()
  /** Resolves when the changes asked for so far have ended. */
  #changes: Promise<unknown> = Promise.resolve()
  /** Of the brokers that this process added. */
  #highestNodeId = 0
  /** Also those that were removed: their ports stay theirs. */
  #brokersSoFar = 0
  #isStopping = false

  constructor(parts: ClusterBrokersParts) {
    this.#parts = parts
    const { settings, hosted } = parts
    for (const [index, each] of settings.brokers.entries()) this.#add(hosted.firstNodeId + index, each)
  }

  #add(nodeId: number, settings: BrokerStartSettings): void {
    this.#highestNodeId = nodeId
    this.#brokersSoFar++
    this.#known.set(nodeId, { settings, addresses: [], controllerAddresses: [] })
  }

  /** Node ids of all brokers, also those that do not run. */
  get nodeIds(): readonly number[] {
    return [...this.#known.keys()]
  }

  /** The running brokers by node id. */
  get running(): ReadonlyMap<number, Broker> {
    return this.#running
  }

  /** Where a broker listens for clients, or did before it was stopped. Throws ClusterError if there is no such broker. */
  addressesOf(nodeId: number): readonly BrokerAddress[] {
    return this.#find(nodeId).addresses
  }

  #find(nodeId: number): KnownBroker {
    const broker = this.#known.get(nodeId)
    if (broker === undefined) throw new ClusterError(`there is no broker ${nodeId}`)
    return broker
  }

  /** Starts all brokers. registered: called before they serve. Throws StartError if an address is in use. */
  startAll(registered: () => Promise<void>): Promise<void> {
    return this.#inOrder(() => this.#run([...this.#known.keys()], registered))
  }

  /** Starts a broker that does not run, at the addresses where it ran before. */
  start(nodeId: number): Promise<void> {
    return this.#inOrder(async () => {
      this.#find(nodeId)
      if (!this.#running.has(nodeId)) await this.#run([nodeId])
    })
  }

  /** Stops a broker. Others take over first what it leads and coordinates. */
  stop(nodeId: number): Promise<void> {
    return this.#inOrder(() => this.#end(nodeId, { isUnclean: false }))
  }

  /** Ends a broker as a crash does: its clients are dropped at once, then others take over. */
  kill(nodeId: number): Promise<void> {
    return this.#inOrder(() => this.#end(nodeId, { isUnclean: true }))
  }

  async #end(nodeId: number, how: { readonly isUnclean: boolean }): Promise<void> {
    this.#find(nodeId)
    const broker = this.#running.get(nodeId)
    if (broker === undefined) return
    const { membership } = this.#parts
    if (!how.isUnclean && broker.configs.broker.controlledShutdownEnable) await membership.retire(nodeId)
    await this.#takeDown(broker, how)
  }

  /** Others take over, also if a part of the broker does not stop. */
  async #takeDown(broker: Broker, how: { readonly isUnclean: boolean }): Promise<void> {
    this.#running.delete(broker.nodeId)
    try {
      await broker.stop()
    } finally {
      await this.#parts.membership.leave(broker.nodeId, how)
    }
  }

  /** Adds a broker with the next node id, which no broker had before, and starts it. Returns the id. */
  async add(rack: string | undefined): Promise<number> {
    if (this.#known.size >= MOST_BROKERS) throw new ClusterError(`a process runs at most ${MOST_BROKERS} brokers`)
    const nodeId = this.#unusedNodeId()
    const { settings, hosted } = this.#parts
    this.#add(nodeId, settings.furtherBroker(this.#brokersSoFar, { nodeId, rack }))
    hosted.addNode(nodeId)
    await this.#inOrder(() => this.#run([nodeId])).catch((error) => {
      this.#known.delete(nodeId)
      throw error
    })
    return nodeId
  }

  /** Also brokers that ran on this data before count: replicas may be assigned to them. */
  #unusedNodeId(): number {
    const { brokers, topicsByName } = this.#parts.shared.metadata.image
    let highest = Math.max(this.#highestNodeId, ...brokers.keys())
    for (const { partitions } of topicsByName.values())
      for (const { replicas } of partitions) highest = Math.max(highest, ...replicas)
    return highest + 1
  }

  /** Stops a broker if it runs, and removes it from the cluster. */
  remove(nodeId: number): Promise<void> {
    return this.#inOrder(async () => {
      if (nodeId === this.#parts.hosted.firstNodeId)
        throw new ClusterError(`broker ${nodeId} cannot be removed: it has the cluster’s controller`)
      await this.#end(nodeId, { isUnclean: false })
      await this.#parts.membership.remove(nodeId)
      this.#known.delete(nodeId)
    })
  }

  /** Ends the changes under way, and stops all brokers. They stay leaders and in sync for the next start. */
  async stopAll(): Promise<void> {
    this.#isStopping = true
    await this.#changes
    const failures: unknown[] = []
    for (const broker of this.#running.values()) await broker.stop().catch((error) => failures.push(error))
    this.#running.clear()
    if (failures.length > 0) throw failures[0]
  }

  /** Binds first, registers what was bound, then serves. If that fails, the brokers are stopped again. */
  async #run(nodeIds: readonly number[], registered = async () => {}): Promise<void> {
    const { membership } = this.#parts
    // Alone they stay leaders and in sync for the next start.
    const leaves = this.#running.size > 0
    let hasJoined = false
    for (const nodeId of nodeIds) this.#checkIsHosted(nodeId)
    const brokers = nodeIds.map((nodeId) => this.#make(nodeId))
    try {
      for (const broker of brokers) {
        await broker.bind()
        const known = this.#find(broker.nodeId)
        known.addresses = [...broker.addresses]
        known.controllerAddresses = [...broker.controllerAddresses]
      }
      hasJoined = true
      await membership.join(brokers.map((broker) => this.#joining(broker)))
      await registered()
      for (const broker of brokers) {
        this.#running.set(broker.nodeId, broker)
        await broker.serve()
      }
    } catch (error) {
      for (const broker of brokers) {
        if (hasJoined && leaves) await this.#takeDown(broker, { isUnclean: false })
        else {
          this.#running.delete(broker.nodeId)
          await broker.stop()
        }
      }
      throw error
    }
  }

  #checkIsHosted(nodeId: number): void {
    const { shared, hosted } = this.#parts
    const fault = foreignBrokerFault(shared.metadata.image, hosted, nodeId)
    if (fault !== undefined) throw new StartError(fault)
  }

  #make(nodeId: number): Broker {
    const { settings, addresses, controllerAddresses } = this.#find(nodeId)
    const listeners = atAddresses(settings.listeners, [...addresses, ...controllerAddresses])
    return new Broker(nodeId, { ...settings, listeners }, this.#parts.shared)
  }

  #joining({ nodeId, rack, endpoints }: Broker) {
    const { directoryIds, hosted } = this.#parts
    return { nodeId, rack, endpoints, directoryIds: directoryIds.map((id) => hosted.idFor(nodeId, id)) }
  }

  #inOrder(change: () => Promise<void>): Promise<void> {
    const made = this.#changes.then(() => {
      if (this.#isStopping) throw new ClusterError('the cluster is stopping')
      return change()
    })
    // A failure is the asker's; the next change is made all the same.
    this.#changes = Promise.allSettled([made])
    return made
  }
}

/** The listeners with the ports that they had; any port stays any if they have not listened yet. */
function atAddresses(listeners: Listeners, addresses: readonly BrokerAddress[]): Listeners {
  const portOf = (name: string) => addresses.find(({ listener }) => listener === name)?.port
  const atPort = (each: ListenerAddress) => ({ ...each, port: portOf(each.name) ?? each.port })
  return { ...listeners, listening: listeners.listening.map(atPort), controller: listeners.controller.map(atPort) }
}
