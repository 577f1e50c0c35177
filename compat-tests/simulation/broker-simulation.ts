import { AlterReplicaLogDirs } from '../../protocol/apis/alter-replica-log-dirs.ts'
import { errorName } from '../../protocol/error-codes.ts'
import type { ClusterImage } from '../../src/metadata/cluster-image.ts'
import { type FaultRates, NO_FAULTS } from '../../storage/host/faulty-files.ts'
import { SeededRandom } from '../../storage/host/seeded-random.ts'
import { SimulatedHost } from '../../storage/host/simulated-host.ts'
import { drawFileRot } from '../rot/rot.ts'
import { BrokerAuditor } from './broker-auditor.ts'
import { BrokerCommitter } from './broker-committer.ts'
import { BrokerConsumer } from './broker-consumer.ts'
import type { PartitionHistory, TopicHistory } from './broker-model.ts'
import { AllocatedProducerIds, BrokerProducer } from './broker-producer.ts'
import { BrokerTopics } from './broker-topics.ts'
import { BrokerWorld, brokerSettings, clusterSettings, newCounts } from './broker-world.ts'
import { ClusterChecks } from './cluster-checks.ts'
import { ClusterClient } from './cluster-client.ts'
import { ClusterEvents } from './cluster-events.ts'
import { type ClusterPlan, drawClusterPlan, RACKS } from './cluster-plan.ts'
import { NetworkFaults } from './network-faults.ts'
import { directoryOf, drawPartFault, type PartFault } from './part-faults.ts'
import { replayedImage, textOf } from './replayed-image.ts'
import { SimulatedBroker } from './simulated-broker.ts'
import { SimulatedProcess } from './simulated-process.ts'
import { CheckFailed, check } from './storage-model.ts'
import { replicated, type TopicPlan, topicPlan } from './topic-plan.ts'
import type { Trace } from './trace.ts'
import { runJudging } from './uncaught-errors.ts'
import { writeBackAtTimes } from './writeback.ts'

const STEPS = 120
const PRODUCERS = 3
const CONSUMERS = 2
const TOPICS = 3
/** Time after which the broker has noticed free space and serves requests that it refused before. */
const ROOM_NOTICED_MS = 20_000
/** Time after which retention has removed records with retention.ms of a minute, if nothing is appended. */
const RETENTION_PASSED_MS = 90_000
/** Time after which all records are acknowledged and read, if no more faults happen. */
const REST_MS = 600_000
/** Steps of a move in which clients act. */
const MOVE_PASSES = 20

/**
 * Runs a whole broker, or a cluster of several, with seeded producers, consumers and faults, and checks that its responses never contradict each
 * other. Throws CheckFailed if a rule is broken. The same seed gives the same history.
 */
export async function simulateBroker(
  seed: number,
  trace: Trace = () => {},
  plan: ClusterPlan = drawClusterPlan(seed),
): Promise<Record<string, number>> {
  const simulation = new BrokerSimulation(seed, trace, plan)
  await runJudging(simulation)
  return simulation.counts
}

class BrokerSimulation {
  readonly #trace: Trace
  readonly #random: SeededRandom
  readonly #host: SimulatedHost
  readonly #process: SimulatedProcess
  readonly #world: BrokerWorld
  readonly #auditor: BrokerAuditor
  readonly #admin: ClusterClient
  readonly #cluster: ClusterPlan
  readonly #network: NetworkFaults | undefined
  readonly #events: ClusterEvents
  readonly #checks: ClusterChecks
  readonly #producers: BrokerProducer[]
  readonly #consumers: BrokerConsumer[]
  readonly #committer: BrokerCommitter
  readonly #plans: readonly TopicPlan[]
  readonly #topics: BrokerTopics
  readonly #directories: readonly string[]
  /** No more faults: all brokers start. */
  #isEnding = false

  constructor(seed: number, trace: Trace, cluster: ClusterPlan) {
    this.#trace = trace
    this.#cluster = cluster
    this.#random = new SeededRandom(seed)
    this.#host = new SimulatedHost(seed)
    writeBackAtTimes(this.#host, seed)
    this.#process = new SimulatedProcess(this.#host, trace, () => this.#world)
    const random = this.#random
    this.#directories = random.oneIn(3) ? ['/data/d1', '/data/d10'] : ['/data']
    const counts = newCounts()
    const logger = {
      error: (fields: object, message: string) => {
        trace(fields, message)
        const isDamaged = this.#topics.all.some((topic) => topic.isDamaged)
        const isFounded = this.#world.isFailing || isDamaged || this.#process.hasEnded
        if (!isFounded) this.#world.fail(new CheckFailed(`without a fault of the disk: ${message}`))
      },
      debug() {},
      warn: (fields: object, message: string) => {
        if (message.startsWith('recovery truncated')) counts.cutTails++
        trace(fields, message)
      },
      info: (fields: object, message: string) => {
        if (message === 'compacted a log') counts.compactions++
        trace(fields, message)
      },
    }
    const isSynced = random.oneIn(3)
    this.#network = cluster.hasNetworkFaults ? new NetworkFaults(cluster.random, this.#host.timers) : undefined
    const settings = { ...brokerSettings(random, this.#directories, isSynced), ...clusterSettings(cluster) }
    const several = {
      isSeveral: cluster.brokers > 1,
      racks: cluster.racks,
      network: this.#network,
      random: cluster.random,
    }
    const broker = new SimulatedBroker(this.#host, settings, logger, several)
    broker.brokerCount = cluster.brokers
    const { brokers, racks, hasNetworkFaults } = cluster
    trace({ brokers, racks, hasNetworkFaults }, 'a cluster')
    this.#world = new BrokerWorld(this.#host, random, broker, counts)
    this.#auditor = new BrokerAuditor(this.#world)
    this.#admin = new ClusterClient(broker, 'admin', { isReliable: true })
    this.#events = new ClusterEvents(this.#world, cluster.random, trace)
    const isFailing = () => this.#world.isFailing || this.#process.hasEnded
    this.#plans = Array.from({ length: TOPICS }, (_, i) =>
      replicated(topicPlan(random, `topic${i}`), cluster.random, cluster.brokers),
    )
    this.#topics = new BrokerTopics(this.#world, this.#plans, { trace, hasLateRequests: cluster.hasNetworkFaults })
    this.#checks = new ClusterChecks({
      world: this.#world,
      random: cluster.random,
      groupIds: [GROUP],
      allowsUncleanElection: (topic) =>
        this.#events.isElectingUncleanly ||
        this.#plans.some(({ name, allowsUncleanElection }) => name === topic && allowsUncleanElection),
      isFailing,
    })
    this.#committer = new BrokerCommitter(this.#world, { groupId: GROUP, topic: COMMITTED, isSynced })
    const ids = new AllocatedProducerIds()
    this.#producers = Array.from({ length: PRODUCERS }, (_, i) => new BrokerProducer(this.#world, `producer${i}`, ids))
    this.#consumers = Array.from({ length: CONSUMERS }, (_, i) => this.#consumer(`consumer${i}`))
  }

  #consumer(name: string): BrokerConsumer {
    const { racks, random } = this.#cluster
    return new BrokerConsumer(this.#world, name, racks.length === 0 ? '' : random.pick(RACKS))
  }

  get counts(): Record<string, number> {
    return {
      ...this.#world.counts,
      ...this.#network?.counts,
      ...this.#process.diskCounts,
    }
  }

  ended(reason: unknown): void {
    this.#process.ended(reason)
  }

  async run(): Promise<void> {
    await this.#start()
    await this.#process.guarded(() => this.#topics.makeEmpty(COMMITTED))
    for (const plan of this.#plans) await this.#process.guarded(() => this.#topics.make(plan))
    for (let i = 0; i < STEPS; i++) {
      await this.#process.guarded(() => this.#step())
      this.#process.check()
      if (this.#isSeveral && !this.#process.hasEnded) await this.#changeCluster()
      if (this.#process.hasEnded) await this.#restart(this.#random.oneIn(2) ? 'power' : 'crash')
    }
    await this.#comeToRest()
  }

  // The cluster.

  get #isSeveral(): boolean {
    return this.#cluster.brokers > 1
  }

  /** Changes the cluster while clients use it, and checks it once it is quiet. The process may end on the way. */
  async #changeCluster(): Promise<void> {
    const { random } = this.#cluster
    if (!random.oneIn(2)) return
    await this.#process.guarded(async () => {
      // A broker is killed while it looks into large records.
      const isKill = random.oneIn(4)
      this.#world.sendsLarge = isKill
      for (const producer of this.#producers) producer.act(this.#topics.alive, true)
      for (const consumer of this.#consumers) consumer.act()
      this.#committer.act()
      if (isKill || random.oneIn(2)) await this.#host.advance(random.below(3))
      this.#world.sendsLarge = false
      if (random.oneIn(12)) this.#host.files.crashAfterChanges = random.below(20)
      await this.#mayFail(() => (isKill ? this.#events.killLeader() : this.#events.act()))
      await this.#checks.check(this.#topics.partitions)
      if (isKill)
        for (const partition of this.#topics.partitions) await this.#auditor.audit(partition, { withEpochs: true })
      else if (random.oneIn(2)) await this.#onSome((partition) => this.#auditor.audit(partition, { withEpochs: true }))
    })
    this.#process.check()
  }

  /** A failing disk may keep a change from the metadata log. */
  async #mayFail(change: () => Promise<void>): Promise<void> {
    try {
      await change()
    } catch (error) {
      if (error instanceof CheckFailed || !this.#world.isFailing) throw error
    }
  }

  #resize(): void {
    const { brokers } = this.#cluster
    if (this.#isEnding) this.#world.broker.startWithAll(brokers)
    else if (this.#isSeveral) this.#events.resize(brokers)
  }

  // Events.

  async #step(): Promise<void> {
    const random = this.#random
    const dice = random.below(100)
    if (dice < 50) await this.#pass(random.pick([1, 5, 50, 300]))
    else if (dice < 58) await this.#pass(random.pick([5000, 40_000]))
    else if (dice < 62) await this.#onSome((partition) => this.#auditor.audit(partition))
    else if (dice < 65) await this.#onSome((partition) => this.#auditor.lookUp(partition))
    else if (dice < 69) await this.#onSome((partition) => this.#topics.deleteRecords(partition))
    else if (dice < 73) await (this.#movesNow() ? this.#onSome((each) => this.#move(each)) : this.#topics.changeOne())
    else if (dice < 78) for (const consumer of this.#consumers) consumer.subscribe(this.#topics.alive)
    else if (dice < 81) await this.#restart('stop')
    else if (dice < 84) await this.#restart('kill')
    else if (dice < 87) await this.#restart('power')
    else if (dice < 93) this.#host.files.crashAfterChanges = random.below(60)
    else if (dice < 95) await this.#fillDisk()
    else if (dice < 98) await this.#onSome((partition) => this.#failPart(partition))
    else await this.#failDisk()
  }

  async #onSome(task: (partition: PartitionHistory) => Promise<unknown>): Promise<void> {
    if (this.#topics.partitions.length > 0) await task(this.#random.pick(this.#topics.partitions))
  }

  /** Advances the time while clients act. */
  async #pass(ms: number): Promise<void> {
    for (const producer of this.#producers) if (this.#random.oneIn(2)) producer.act(this.#topics.alive, true)
    for (const consumer of this.#consumers) consumer.act()
    this.#committer.act()
    await this.#host.advance(ms)
    this.#process.check()
  }

  #movesNow(): boolean {
    return this.#directories.length > 1 && this.#random.oneIn(2)
  }

  /** Moves a partition to a data directory while clients use it, and perhaps crashes on the way. */
  async #move(partition: PartitionHistory): Promise<void> {
    const { topic, index } = partition
    if (topic.isDamaged || this.#world.isFailing) return
    const path = this.#random.pick(this.#directories)
    if (this.#random.oneIn(2)) this.#host.files.crashAfterChanges = this.#random.below(60)
    const dirs = [{ path, topics: [{ name: topic.plan.name, partitions: [index] }] }]
    const nodeId = this.#world.broker.leaderOf(topic.plan.name, index)
    if (nodeId === undefined) return
    const answer = await this.#host.settle(this.#admin.at(nodeId).ask(AlterReplicaLogDirs, 2, { dirs }))
    const { errorCode } = answer.results[0]!.partitions[0]!
    this.#trace({ partition: partition.name, path, error: errorName(errorCode) }, 'moves a partition')
    if (!this.#topics.isDone(errorCode, `${partition.name} cannot move to ${path}`)) return
    this.#world.counts.moves++
    await this.#untilMoved()
  }

  get #isMoving(): boolean {
    const { memory } = this.#host
    return this.#directories.some((each) => memory.exists(each) && memory.list(each).some((name) => FUTURE.test(name)))
  }

  async #untilMoved(): Promise<void> {
    for (let i = 0; this.#isMoving && !this.#process.hasEnded && !this.#world.isFailing; i++) {
      // A sync may take seconds, and small segments need many.
      check(i < 3000, 'a move does not end')
      // Clients that went on for so long would write more than they can read in the time of rest.
      if (i < MOVE_PASSES) await this.#pass(300)
      else {
        await this.#host.advance(300)
        this.#process.check()
      }
    }
  }

  async #fillDisk(): Promise<void> {
    this.#world.counts.fullDisks++
    this.#world.faultyRun = this.#world.runNumber
    const { memory, clock } = this.#host
    const failsAnyway = this.#world.mayRefuseUntilMs
    this.#world.mayRefuseUntilMs = Number.POSITIVE_INFINITY
    memory.capacityBytes = Number.MAX_SAFE_INTEGER
    memory.capacityBytes = Number.MAX_SAFE_INTEGER - memory.space('/').freeBytes + this.#random.below(4000)
    await this.#process.guarded(async () => {
      for (let i = 0; i < 6; i++) {
        await this.#pass(this.#random.pick([1, 600, 6000]))
        if (this.#random.oneIn(3)) await this.#topics.changeOne()
        if (this.#random.oneIn(3)) await this.#onSome((partition) => this.#topics.deleteRecords(partition))
      }
    })
    memory.capacityBytes = Number.POSITIVE_INFINITY
    this.#world.mayRefuseUntilMs = Math.max(failsAnyway, clock.monotonicMs() + ROOM_NOTICED_MS)
    if (!this.#process.hasEnded) await this.#pass(ROOM_NOTICED_MS + 1)
  }

  async #failDisk(): Promise<void> {
    this.#world.counts.failingDisks++
    this.#world.faultyRun = this.#world.runNumber
    this.#world.mayRefuseUntilMs = Number.POSITIVE_INFINITY
    this.#host.files.rates = this.#rates()
    await this.#process.guarded(async () => {
      for (let i = 0; i < 8; i++) {
        await this.#pass(this.#random.pick([1, 30, 2000]))
        if (this.#random.oneIn(4)) await this.#topics.changeOne()
        if (this.#random.oneIn(4)) await this.#onSome((partition) => this.#topics.deleteRecords(partition))
        if (this.#random.oneIn(4)) await this.#onSome((partition) => this.#auditor.audit(partition))
        if (this.#random.oneIn(4)) await this.#checkOffline()
      }
    })
    this.#process.check()
    // The next start may find the disk as it is.
    if (!this.#random.oneIn(4)) this.#host.files.rates = this.#shortTransfers()
    await this.#restart(this.#random.pick(['stop', 'kill', 'power'] as const))
  }

  /** One log or one of several data directories fails and may recover: all others must be served normally. */
  async #failPart(partition: PartitionHistory): Promise<void> {
    this.#world.counts.failingParts++
    this.#world.faultyRun = this.#world.runNumber
    const { files, memory } = this.#host
    const part = drawPartFault(this.#random, { files: memory, directories: this.#directories, partition })
    const appendsRefused = this.#world.refusedAppends
    this.#trace({}, part.what)
    // The fault may be found at a start after a clean stop, when no log is open yet.
    if (part.maySurviveStart && this.#random.oneIn(2)) await this.#restart('stop', part)
    this.#world.partFaults = [part]
    files.pathFaults = [part.fault]
    if (part.maySurviveStart) await this.#process.guarded(() => this.#watchNeighbours(part, this.#world.refusedAppends))
    await this.#process.guarded(async () => {
      for (let i = 0; i < 6; i++) {
        await this.#pass(this.#random.pick([1, 30, 2000, 40_000]))
        if (this.#random.oneIn(3)) await this.#onSome((each) => this.#topics.deleteRecords(each))
        await this.#onSome((each) => this.#auditor.audit(each))
        await this.#checkOffline()
        // The part recovers; requests may still be refused.
        if (this.#random.oneIn(8)) files.pathFaults = []
      }
    })
    await this.#process.guarded(() => this.#watchNeighbours(part, appendsRefused))
    this.#process.check()
    if (!(part.maySurviveStart && this.#random.oneIn(2))) files.pathFaults = []
    await this.#restart(this.#random.pick(['stop', 'kill'] as const))
    if (files.pathFaults.length > 0)
      await this.#process.guarded(() => this.#watchNeighbours(part, this.#world.refusedAppends))
    this.#process.check()
    files.pathFaults = []
    if (this.#world.partFaults.length > 0) await this.#restart(this.#random.pick(['stop', 'kill', 'power'] as const))
  }

  /** Once a data directory has failed, none of its partitions is served before the next start. */
  async #checkOffline(): Promise<void> {
    const failed = await this.#auditor.failedDirectories()
    for (const partition of this.#topics.partitions) {
      const directory = directoryOf(this.#host.memory, this.#directories, partition)
      if (directory !== undefined && failed.has(directory)) await this.#auditor.checkOffline(partition)
    }
  }

  /** Checks that retention and the creation of logs go on outside the failing part. */
  async #watchNeighbours({ concerns, directory, fault }: PartFault, appendsRefused: number): Promise<void> {
    // A log on a full disk is not marked as failed: the broker tries it again.
    const isKnown = this.#world.refusedAppends > appendsRefused && fault.effect !== 'full'
    if (directory !== undefined && isKnown) await this.#makesElsewhere(directory)
    if (this.#random.oneIn(2)) return
    await this.#host.advance(RETENTION_PASSED_MS)
    for (const partition of this.#topics.partitions) {
      if (partition.topic.plan.keptMs === undefined || partition.hasDamagedTimes || concerns(partition)) continue
      await this.#auditor.checkEmpty(partition)
    }
  }

  /** Checks that the broker creates a new topic's logs in another directory than the failing one. */
  async #makesElsewhere(failing: string): Promise<void> {
    const plan = this.#topics.missing
    if (plan === undefined || this.#host.files.pathFaults.length === 0) return
    await this.#topics.make(plan)
    for (const partition of this.#topics.of(plan)?.partitions ?? []) {
      const found = directoryOf(this.#host.memory, this.#directories, partition)
      check(found !== undefined && found !== failing, `${partition.name} is made in ${found}, while ${failing} fails`)
    }
  }

  #rates(): FaultRates {
    const some = () => (this.#random.oneIn(2) ? 4 + this.#random.below(30) : 0)
    const errors = { writeError: some(), readError: some(), syncError: some() }
    return { ...NO_FAULTS, ...errors, shortTransfer: 2, slowSync: some() }
  }

  #shortTransfers(): FaultRates {
    return { ...NO_FAULTS, shortTransfer: this.#random.pick([0, 3]), slowSync: this.#random.pick([0, 0, 10]) }
  }

  // Stops and starts.

  /** failing: a part that fails from the stop onwards. */
  async #restart(how: 'stop' | 'kill' | 'crash' | 'power', failing?: PartFault): Promise<void> {
    const { counts, broker } = this.#world
    this.#trace({ how }, 'the broker ends')
    if (how === 'stop') {
      await this.#process.guarded(async () => {
        const stopped = broker.end('stop')
        // If the disk prevents a clean stop, it counts as a crash.
        await (this.#world.isFailing ? stopped.catch(this.#trace.bind(undefined, { how })) : stopped)
      })
      this.#process.check()
    }
    const isClean = how === 'stop' && this.#directories.every((each) => this.#host.memory.exists(`${each}/${CLEAN}`))
    if (how === 'stop' && this.#isSeveral && !this.#world.isFailing && !this.#process.hasEnded)
      await this.#process.guarded(async () => this.#checkReplay())
    if (isClean) {
      counts.cleanStops++
      for (const partition of this.#topics.partitions) partition.synced()
    } else if (how === 'kill') counts.kills++
    else if (how === 'crash') counts.crashes++
    await broker.end(how === 'power' ? 'power' : 'process')
    this.#ended(how === 'power')
    if (failing !== undefined) {
      this.#world.partFaults = [failing]
      this.#host.files.pathFaults = [failing.fault]
    }
    const damagedTopic = how === 'power' || this.#random.oneIn(2) ? undefined : this.#rot()
    await this.#start()
    if (damagedTopic?.isDeleted === false) await this.#topics.delete(damagedTopic)
  }

  /** After a clean stop the metadata log gives the image that the brokers had. */
  #checkReplay(): void {
    const image = this.#world.broker.cluster.metadata.image as ClusterImage
    const directory = this.#directories[0]!
    const replayed = replayedImage({ host: this.#host, directory, clusterId: image.clusterId })
    check(textOf(replayed) === textOf(image), 'the metadata log gives another image than the brokers had')
  }

  /**
   * Damages files while the broker is down: index files, which must change no response; or, rarely, the log of one
   * topic (returned), which is then no longer checked, while all others must be unchanged.
   */
  #rot(): TopicHistory | undefined {
    const { memory } = this.#host
    // A copy of a damaged log is given up with an error.
    const topic =
      this.#topics.alive.length > 0 && !this.#isMoving && this.#random.oneIn(4)
        ? this.#random.pick(this.#topics.alive)
        : undefined
    const isOfTopic = (path: string) => topic?.partitions.some(({ name }) => path.includes(`/${name}/`)) === true
    const rot = drawFileRot(memory, this.#random, topic === undefined ? isDerived : isOfTopic)
    this.#trace({}, rot.what)
    rot.apply(memory)
    this.#world.counts.damagedFiles++
    for (const partition of this.#topics.partitions)
      if (rot.paths.some((path) => path.includes(`/${partition.name}/`) && path.endsWith('.timeindex')))
        partition.hasDamagedTimes = true
    if (topic !== undefined) topic.isDamaged = true
    return topic
  }

  #ended(lostPower: boolean): void {
    if (lostPower) {
      this.#world.counts.powerLosses++
      this.#committer.lostPower()
    }
    for (const { partitions } of this.#topics.all) {
      for (const partition of partitions) {
        partition.ended()
        if (lostPower) partition.lostPower()
      }
    }
  }

  async #start(): Promise<void> {
    const { files } = this.#host
    for (;;) {
      // The process or the machine may end during recovery.
      if (this.#random.oneIn(4)) files.crashAfterChanges = this.#random.below(30)
      this.#resize()
      if (await this.#isUp()) break
      this.#world.counts.failedStarts++
      const losesPower = this.#random.oneIn(2)
      files.rates = this.#shortTransfers()
      // A broker that ends itself for its last data directory stays down until somebody mends the disk.
      if (files.pathFaults.length > 0 && this.#random.oneIn(2)) files.pathFaults = []
      await this.#world.broker.end(losesPower ? 'power' : 'process')
      this.#ended(losesPower)
    }
    files.crashAfterChanges = Number.POSITIVE_INFINITY
  }

  /** False if the start failed for a valid reason. */
  async #isUp(): Promise<boolean> {
    const { files } = this.#host
    const { writeError, readError, syncError } = files.rates
    const isFailing = writeError + readError + syncError > 0
    this.#world.mayRefuseUntilMs = isFailing ? Number.POSITIVE_INFINITY : -1
    this.#world.runNumber++
    if (files.pathFaults.length === 0) this.#world.partFaults = []
    try {
      await this.#world.broker.start()
      if (this.#isSeveral) this.#checks.watch()
      files.rates = isFailing ? files.rates : this.#shortTransfers()
      if (!files.crashed) await this.#recognise()
      await this.#untilMoved()
    } catch (error) {
      if (error instanceof CheckFailed || !(files.crashed || isFailing)) throw error
      return false
    }
    this.#process.check()
    return !files.crashed && !isFailing
  }

  /** After a start: checks that the created topics exist and contain all acknowledged records. */
  async #recognise(): Promise<void> {
    const found = await this.#auditor.topics()
    this.#topics.recognise(found)
    for (const partition of this.#topics.partitions) await this.#auditor.audit(partition)
  }

  /** After the last fault: all records must be acknowledged and read, and survive one more stop. */
  async #comeToRest(): Promise<void> {
    this.#host.files.rates = NO_FAULTS
    if (this.#network !== undefined) this.#network.isFaulty = false
    this.#isEnding = true
    await this.#restart(this.#random.pick(['stop', 'kill'] as const))
    this.#host.files.rates = NO_FAULTS
    if (this.#isSeveral) await this.#checks.check(this.#topics.partitions)
    const endMs = this.#host.clock.monotonicMs() + REST_MS
    while (!(await this.#isAtRest())) {
      check(this.#host.clock.monotonicMs() < endMs, 'not everything is acknowledged and read after ten minutes')
      for (const producer of this.#producers) producer.act(this.#topics.alive, false)
      for (const consumer of this.#consumers) consumer.act()
      if (!this.#committer.isAtRest) this.#committer.act()
      await this.#host.advance(200)
      this.#process.check()
    }
    await this.#restart('stop')
    check(this.#world.counts.cleanStops > 0, 'a stop without faults is clean')
    this.#trace(this.counts, 'the end')
  }

  async #isAtRest(): Promise<boolean> {
    if (!this.#committer.isAtRest || !this.#producers.every((producer) => producer.isAtRest)) return false
    for (const partition of this.#topics.partitions) {
      const highWatermark = await this.#auditor.audit(partition)
      check(highWatermark !== undefined, `${partition.name} cannot be read`)
      if (!this.#consumers.every((consumer) => consumer.isAtEndOf(partition, highWatermark))) return false
    }
    return true
  }
}

/** Derived from the logs beside them: damage to these files loses no data. */
const isDerived = (path: string) => /\/\d{20}\.(index|timeindex)$/.test(path)

const GROUP = 'group'
const COMMITTED = 'committed'
const CLEAN = '.kafka_cleanshutdown'
const FUTURE = /-future$/
