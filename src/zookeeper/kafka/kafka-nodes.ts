import { failureOfPart, inBackground } from '../../../storage/failure-policy.ts'
import type { Host, Timer } from '../../../storage/host/host.ts'
import { runInSlices } from '../../../storage/host/turn-slices.ts'
import { configResourceType, type MetadataImage } from '../../metadata/metadata-image.ts'
import type { MetadataChange } from '../../metadata/metadata-store.ts'
import type { Logger } from '../../observe/logger.ts'
import type { BrokerChange, BrokerNodes, BrokerTree, NodeChange } from '../broker-nodes.ts'
import type { ErrorName } from '../error-codes.ts'
import {
  type CarryOut,
  type Done,
  done,
  type Meaning,
  notAllowed,
  type Refusal,
  type WriteParts,
} from './broker-request.ts'
import { putBrokers, putController } from './cluster-nodes.ts'
import { brokerConfigWrite, topicConfigWrite } from './config-writes.ts'
import { noEntities, putBrokerConfig, putEntities } from './entity-nodes.ts'
import { entityWrite } from './entity-writes.ts'
import { clusterIdData, featureData, producerIdBlockData } from './node-data.ts'
import { election, putReassignments, REASSIGNMENTS, reassignment } from './partition-writes.ts'
import { putTopic, putTopicConfig, removeTopic } from './topic-nodes.ts'
import { deletion, topicWrite } from './topic-writes.ts'

export interface KafkaNodesParts extends WriteParts {
  readonly host: Pick<Host, 'timers' | 'fatal'>
  readonly logger: Logger
}

/** Nodes without data that are always there, parents first. Source: ZkData.PersistentZkPaths. */
const CONTAINERS = [
  '/admin',
  '/admin/delete_topics',
  '/brokers',
  '/brokers/ids',
  '/brokers/seqid',
  '/brokers/topics',
  '/cluster',
  '/config',
  '/config/brokers',
  '/config/changes',
  '/config/clients',
  '/config/ips',
  '/config/topics',
  '/config/users',
  '/consumers',
  '/delegation_token',
  '/delegation_token/tokens',
  '/isr_change_notification',
  '/kafka-acl',
  '/kafka-acl-changes',
  '/kafka-acl-extended',
  '/kafka-acl-extended-changes',
  '/log_dir_event_notification',
]

/** Where everything belongs to the broker. /consumers is not among them: what is below it belongs to clients. */
const OWN_ROOTS = new Set([
  'admin',
  'brokers',
  'cluster',
  'config',
  'controller',
  'controller_epoch',
  'feature',
  'isr_change_notification',
  'latest_producer_id_block',
  'log_dir_event_notification',
])

/** How long a notification of a changed setting stays. Source: ZkNodeChangeNotificationListener. */
const NOTIFICATION_MS = 15 * 60 * 1000
/** Most lines about refused writes in one attachment: a client may go on for hours. */
const MOST_LINES = 100

/** Kafka's tree: shows the cluster metadata, and turns writes of tools into changes of it. */
export class KafkaNodes implements BrokerNodes {
  readonly #parts: KafkaNodesParts
  #tree: BrokerTree | undefined
  /** Changes that the tree does not show yet. A large one is shown over several turns. */
  readonly #changes: [MetadataImage, MetadataChange][] = []
  /** Resolves when the tree shows all changes; undefined: it does. */
  #showing: Promise<void> | undefined
  #shown: MetadataImage | undefined
  #lines = 0
  readonly #notifications = new Set<Timer>()

  constructor(parts: KafkaNodesParts) {
    this.#parts = parts
    parts.metadata.onChange((image, change) => this.#follow(image, change))
  }

  async attach(tree: BrokerTree): Promise<void> {
    const { image } = this.#parts.metadata
    this.#tree = tree
    this.#lines = 0
    this.#showing = this.#show(tree, this.#build(tree, image))
    await this.#showing
  }

  detach(): void {
    this.#tree = undefined
    this.#showing = undefined
    this.#shown = undefined
    this.#changes.length = 0
    for (const timer of this.#notifications) timer.cancel()
    this.#notifications.clear()
  }

  meaningOf(change: NodeChange): BrokerChange | ErrorName | undefined {
    const meaning = this.#meaning(change)
    if (meaning === undefined) return undefined
    if (typeof meaning !== 'function') {
      this.#log(`refused to ${change.kind} ${change.path} for a ZooKeeper client: ${meaning.reason}`)
      return meaning.error
    }
    return {
      carryOut: async () => {
        if (this.#tree === undefined) return 'SYSTEMERROR'
        const result = await this.#carryOut(meaning, this.#tree)
        await this.#whenShown()
        if (!('error' in result)) {
          for (const note of result.notes) this.#log(`${change.path}: ${note}`)
          return undefined
        }
        this.#log(`could not ${change.kind} ${change.path} for a ZooKeeper client: ${result.reason}`)
        return result.error
      },
    }
  }

  /** A change that could not be written has no effect. */
  async #carryOut(meaning: CarryOut, tree: BrokerTree): Promise<Refusal | Done> {
    try {
      return await meaning(tree, () => this.#whenShown())
    } catch (error) {
      return { error: 'SYSTEMERROR', reason: failureOfPart(this.#parts.host, error).message }
    }
  }

  /** Resolves when the tree shows all changes. */
  async #whenShown(): Promise<void> {
    while (this.#showing !== undefined) await this.#showing
  }

  #log(line: string): void {
    if (this.#lines++ < MOST_LINES) this.#parts.logger.warn({}, line)
  }

  #meaning(change: NodeChange): Meaning | undefined {
    const names = change.path.split('/').slice(1)
    const [root = '', second = '', third = ''] = names
    if (root.startsWith('kafka-acl')) return notAllowed('Ottla has no ACLs yet, so it stores none')
    if (root === 'delegation_token') return notAllowed('Ottla has no delegation tokens yet')
    if (!OWN_ROOTS.has(root)) return root === 'consumers' && names.length === 1 ? ownNode(change) : undefined
    if (root === 'config' && names.length > 2) return this.#configMeaning(change, names.slice(1))
    if (root === 'brokers' && second === 'topics' && names.length === 3) return topicWrite(change, third, this.#parts)
    if (root === 'admin' && second === 'delete_topics' && names.length === 3)
      return deletion(change, third, this.#parts)
    if (change.path === REASSIGNMENTS) return reassignment(change, this.#parts)
    if (change.path === '/admin/preferred_replica_election') return election(change, this.#parts)
    if (change.path === '/controller' && change.kind === 'delete') return this.#newController()
    return ownNode(change)
  }

  #configMeaning(change: NodeChange, names: readonly string[]): Meaning | undefined {
    const [type, name = ''] = names
    if (type === 'changes' && names.length === 2) return this.#notification(change)
    if (type === 'topics' && names.length === 2) return topicConfigWrite(change, name, this.#parts)
    if (type === 'brokers' && names.length === 2) return brokerConfigWrite(change, name, this.#parts)
    if (type === 'clients' || type === 'users' || type === 'ips') return entityWrite(change, names, this.#parts)
    return ownNode(change)
  }

  /** The broker has the settings already; the node is for others that watch. */
  #notification(change: NodeChange): Meaning {
    return async (tree) => {
      if (change.kind === 'delete') tree.remove(change.path)
      else tree.put(change.path, change.data)
      if (change.kind === 'create') this.#removeLater(tree, change.path)
      return done
    }
  }

  #removeLater(tree: BrokerTree, path: string): void {
    const timer = this.#parts.host.timers.after(NOTIFICATION_MS, () => {
      this.#notifications.delete(timer)
      tree.remove(path)
    })
    this.#notifications.add(timer)
  }

  /** Whoever deletes /controller wants another election. The controller is part of the process, so it stays. */
  #newController(): Meaning {
    return async (tree) => {
      putController(tree, undefined, this.#parts.metadata.image, this.#parts.nowMs())
      return done
    }
  }

  *#build(tree: BrokerTree, image: MetadataImage): Generator<void, void> {
    for (const path of CONTAINERS) tree.put(path, null)
    tree.put('/cluster/id', clusterIdData(image.clusterId))
    tree.put('/feature', featureData())
    for (const topic of image.topicsByName.values()) {
      yield* putTopic(tree, topic, image)
      yield
    }
    yield* this.#putConfigs(tree, image.configs.keys(), image)
    if (this.#tree === tree) this.#putRest(tree, image)
  }

  #follow(image: MetadataImage, change: MetadataChange): void {
    const tree = this.#tree
    if (tree === undefined) return
    if (this.#showing !== undefined) {
      this.#changes.push([image, change])
      return
    }
    const shown = runInSlices(this.#apply(tree, image, change), this.#parts.slices)
    if (!(shown instanceof Promise)) return
    this.#showing = this.#show(tree, shown)
    inBackground(this.#parts.host, this.#showing)
  }

  /** Ends the step under way, then shows the changes that came meanwhile, in order. */
  async #show(tree: BrokerTree, first: Generator<void, void> | Promise<void>): Promise<void> {
    await (first instanceof Promise ? first : runInSlices(first, this.#parts.slices))
    while (this.#tree === tree && this.#changes.length > 0) {
      await runInSlices(this.#apply(tree, ...this.#changes.shift()!), this.#parts.slices)
    }
    if (this.#tree === tree) this.#showing = undefined
  }

  *#apply(tree: BrokerTree, image: MetadataImage, change: MetadataChange): Generator<void, void> {
    for (const { name } of change.topicsDeleted) {
      removeTopic(tree, name)
      yield
    }
    for (const topic of change.topicsChanged) yield* putTopic(tree, topic, image)
    yield* this.#putConfigs(tree, change.configsChanged, image)
    if (this.#tree === tree) this.#putRest(tree, image)
  }

  *#putConfigs(tree: BrokerTree, keys: Iterable<string>, image: MetadataImage): Generator<void, void> {
    for (const key of keys) {
      this.#putConfig(tree, key, image)
      yield
    }
  }

  #putConfig(tree: BrokerTree, key: string, image: MetadataImage): void {
    const end = key.indexOf(':')
    const [type, name] = [Number(key.slice(0, end)), key.slice(end + 1)]
    if (type === configResourceType.topic && image.topicsByName.has(name)) putTopicConfig(tree, name, image)
    if (type === configResourceType.broker) putBrokerConfig(tree, name, image)
  }

  /** What MetadataChange does not name: compared with the image that is shown. */
  #putRest(tree: BrokerTree, image: MetadataImage): void {
    const before = this.#shown
    const nowMs = this.#parts.nowMs()
    this.#shown = image
    if (before?.controllerEpoch !== image.controllerEpoch)
      tree.put('/controller_epoch', Buffer.from(String(image.controllerEpoch)))
    if (before?.nextProducerId !== image.nextProducerId) {
      const block = producerIdBlockData(this.#parts.nodeId, image.nextProducerId)
      if (block !== undefined || before === undefined) tree.put('/latest_producer_id_block', block ?? null)
    }
    putEntities(tree, before ?? noEntities, image)
    putBrokers(tree, before, image, nowMs)
    putController(tree, before, image, nowMs)
    putReassignments(tree, image)
  }
}

function ownNode({ kind, path }: NodeChange): Meaning {
  return notAllowed(`the broker keeps this node itself: no tool of Kafka should ${kind} ${path}`)
}
