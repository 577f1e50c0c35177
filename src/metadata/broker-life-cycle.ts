import { type Rejection, reject } from '../../protocol/error-codes.ts'
import { BrokerRegistrationChangeRecord } from '../../protocol/internal-records/broker-records.ts'
import { encodeMetadataRecord } from '../../protocol/internal-records/metadata-framing.ts'
import { Backoff, failureOfPart, inBackground } from '../../storage/failure-policy.ts'
import type { Host, Timer } from '../../storage/host/host.ts'
import type { Logger } from '../observe/logger.ts'
import { moveAllTo } from './absent-brokers.ts'
import {
  catchUp,
  fenceBroker,
  type RegisteringBroker,
  registerBroker,
  shutDownBroker,
  staleBrokers,
  unfenceBroker,
  unregisterBroker,
} from './broker-changes.ts'
import type { ClusterImage } from './cluster-image.ts'
import type { HostedReplicas } from './hosted-replicas.ts'
import type { ChangeOptions } from './metadata-store.ts'
import { inOneStep, type MetadataWriter } from './metadata-writer.ts'
import { changeInParts, type Part } from './partition-changes.ts'
import type { ReplicationRules } from './partition-rules.ts'

export interface BrokerLifeCycleParts {
  readonly host: Host
  readonly logger: Logger
  readonly writer: Pick<MetadataWriter, 'change' | 'lastChange' | 'image'>
  /** Throws before the metadata store is started. */
  readonly rules: () => ReplicationRules
}

/**
 * Brokers of this process that come and go. Each change resolves once readers see all of it, and rejects with NotWritten
 * if the disk fails: then a part of it may stand. In the background, replicas that live catch up after each, and brokers
 * that are gone are fenced as soon as the disk lets them be.
 */
export class BrokerLifeCycle {
  readonly #parts: BrokerLifeCycleParts
  /** Brokers registered by this process, or about to be, that have not gone since. */
  readonly #running = new Set<number>()
  /** Brokers that are gone and not known to be fenced. */
  readonly #toFence = new Set<number>()
  /** The catching up that is under way. */
  #catchingUp: Promise<void> | undefined
  #catchesUpAgain = false
  readonly #backoff = new Backoff()
  /** Catches up again after a failure. */
  #retry: Timer | undefined
  #isStopped = false

  constructor(parts: BrokerLifeCycleParts) {
    this.#parts = parts
  }

  /** Registers a new incarnation of a broker. Returns its epoch. */
  async register(broker: Omit<RegisteringBroker, 'incarnationId'>, options: ChangeOptions): Promise<number> {
    const incarnation = { ...broker, incarnationId: this.#parts.host.random.uuid() }
    const { nodeId } = broker
    // From now on nobody unregisters it.
    if (!broker.fenced) this.#running.add(nodeId)
    try {
      await changeInParts(this.#parts, (image, rules) => registerBroker(image, incarnation, rules), options)
    } catch (error) {
      this.#running.delete(nodeId)
      throw error
    }
    this.#toFence.delete(nodeId)
    const { epoch } = this.#parts.writer.image.registrations.get(nodeId)!
    if (!broker.fenced) await this.unfence(nodeId, options)
    return epoch
  }

  /** The broker takes part from now on, and leads what has no other leader. */
  async unfence(nodeId: number, options: ChangeOptions): Promise<void> {
    this.#running.add(nodeId)
    await this.#change((image, rules) => unfenceBroker(image, nodeId, rules), options)
  }

  /** The broker is dead: it leads nothing and leaves the in-sync replicas. If that rejects, it is tried again. */
  async fence(nodeId: number, options: ChangeOptions): Promise<void> {
    this.#running.delete(nodeId)
    this.#toFence.add(nodeId)
    try {
      await this.#fenceGone(nodeId, options)
    } finally {
      this.catchUpSoon()
    }
  }

  async #fenceGone(nodeId: number, options: ChangeOptions): Promise<void> {
    await changeInParts(this.#parts, (image, rules) => fenceBroker(image, nodeId, rules), options)
    this.#toFence.delete(nodeId)
  }

  /** The broker is going to stop. Others lead its partitions; it still answers until it is fenced. */
  async shutDown(nodeId: number, options: ChangeOptions): Promise<void> {
    await this.#change((image, rules) => shutDownBroker(image, nodeId, rules), options)
  }

  /** Removes a registration. Refused for brokers that are unknown, or that run. */
  async unregister(nodeId: number, options: ChangeOptions): Promise<Rejection | undefined> {
    if (!this.#parts.writer.image.registrations.has(nodeId))
      return reject('BROKER_ID_NOT_REGISTERED', `Broker ID ${nodeId} is not currently registered`)
    const running = this.#running
    let refusal: Rejection | undefined
    await this.#change(function* (image, rules) {
      // It may have started since that was asked for.
      if (!running.has(nodeId)) return yield* unregisterBroker(image, nodeId, rules)
      refusal = reject('INVALID_REQUEST', `Broker ID ${nodeId} is running`)
      return { records: [], result: false }
    }, options)
    return refusal
  }

  /** Puts all live replicas in sync and completes reassignments. */
  caughtUp(options: ChangeOptions): Promise<void> {
    return changeInParts(this.#parts, catchUp, options)
  }

  /**
   * Fences brokers that do not run in this process: a process that was killed leaves them as they were. Call it when all
   * that run are unfenced, so that they lead what the others led.
   */
  async reconcile(running: ReadonlySet<number>, options: ChangeOptions): Promise<void> {
    const decide = function* (image: ClusterImage) {
      return { records: [], result: yield* staleBrokers(image, running) }
    }
    for (const nodeId of await this.#parts.writer.change(decide, options)) await this.fence(nodeId, options)
  }

  /** Moves all replicas of this process to one broker, and removes its other brokers. */
  moveAllTo(nodeId: number, hosted: HostedReplicas, options: ChangeOptions): Promise<void> {
    return changeInParts(this.#parts, (image) => moveAllTo(nodeId, image, hosted), options)
  }

  /** Lets live replicas catch up, soon. */
  catchUpSoon(): void {
    if (this.#isStopped) return
    this.#catchesUpAgain = true
    if (this.#catchingUp !== undefined) return
    this.#catchingUp = this.#catchUpWhileAsked()
    inBackground(this.#parts.host, this.#catchingUp)
  }

  /**
   * Fences the brokers of this process, all at once: partitions keep their leaders for its next start. Kafka started on
   * this directory would otherwise wait for their sessions to expire.
   */
  async stop(): Promise<void> {
    this.#isStopped = true
    this.#retry?.cancel()
    await this.#catchingUp
    const { writer, host } = this.#parts
    const decide = ({ registrations }: ClusterImage) => {
      const records: Buffer[] = []
      for (const nodeId of [...this.#running, ...this.#toFence]) {
        const registration = registrations.get(nodeId)
        if (registration?.fenced !== false) continue
        const gone = { brokerId: nodeId, brokerEpoch: registration.epoch, fenced: 1 }
        records.push(encodeMetadataRecord(BrokerRegistrationChangeRecord, 0, gone))
      }
      return { records, result: undefined }
    }
    await writer.lastChange(inOneStep(decide), { nowMs: host.clock.nowMs() })
  }

  async #change(decide: DecidePart, options: ChangeOptions): Promise<void> {
    await changeInParts(this.#parts, decide, options)
    this.catchUpSoon()
  }

  async #catchUpWhileAsked(): Promise<void> {
    this.#retry?.cancel()
    try {
      while (this.#catchesUpAgain && !this.#isStopped) {
        this.#catchesUpAgain = false
        const options = { nowMs: this.#parts.host.clock.nowMs() }
        for (const nodeId of [...this.#toFence]) await this.#fenceGone(nodeId, options)
        await this.caughtUp(options)
        this.#backoff.succeeded()
      }
    } catch (caught) {
      this.#catchUpLater(caught)
    }
    // Same turn as the last check of #catchesUpAgain: whoever asks later starts again.
    this.#catchingUp = undefined
  }

  /** Source: a leader sends AlterPartition again, DefaultAlterPartitionManager. */
  #catchUpLater(caught: unknown): void {
    const { host, logger } = this.#parts
    const err = failureOfPart(host, caught)
    if (this.#isStopped) return
    logger.error({ err }, 'dead brokers or in-sync replicas could not be recorded in the metadata log; trying again')
    this.#retry = host.timers.after(this.#backoff.failed(err), () => this.catchUpSoon())
  }
}

type DecidePart = (image: ClusterImage, rules: ReplicationRules) => Part
