import { FindCoordinator } from '../../protocol/apis/find-coordinator.ts'
import { UpdateFeatures } from '../../protocol/apis/update-features.ts'
import { errorName } from '../../protocol/error-codes.ts'
import { NO_FAULTS } from '../../storage/host/faulty-files.ts'
import { SeededRandom } from '../../storage/host/seeded-random.ts'
import { SimulatedHost } from '../../storage/host/simulated-host.ts'
import { AllTopics } from './all-topics.ts'
import { clusterSettings } from './broker-world.ts'
import { ClusterChecks } from './cluster-checks.ts'
import { ClusterClient, TRANSACTION_KEY } from './cluster-client.ts'
import { ClusterEvents } from './cluster-events.ts'
import { type ClusterPlan, drawClusterPlan } from './cluster-plan.ts'
import { type Copy, CopyInstance } from './copy-application.ts'
import { NetworkFaults } from './network-faults.ts'
import { drawPartFault } from './part-faults.ts'
import { SimulatedBroker } from './simulated-broker.ts'
import { SimulatedProcess } from './simulated-process.ts'
import { CheckFailed, check } from './storage-model.ts'
import type { Trace } from './trace.ts'
import { TransactionChecks } from './transaction-checks.ts'
import { TransactionContents } from './transaction-contents.ts'
import { TransactionLedger } from './transaction-ledger.ts'
import { schemes } from './transaction-producer.ts'
import { TransactionReader } from './transaction-reader.ts'
import { newTransactionCounts, TransactionWorld } from './transaction-world.ts'
import { PlainWriter, TransactionWriter } from './transaction-writers.ts'
import { Turns } from './turns.ts'
import { runJudging } from './uncaught-errors.ts'
import { writeBackAtTimes } from './writeback.ts'

const STEPS = 100
/** Less than the longest sleep of a client. */
const EXPIRATION_MS = 8000
const COPIES = 3
const WRITERS = 2
/** Records of the input before the first step, and those that come later. */
const [FIRST_INPUT, LATER_INPUT] = [30, 60]
const PLAIN_RECORDS = 60
/** One commit in so many is under way when its client ends. */
const COMMITS_PER_END = 40
/** Passes after which a reader fetches again. */
const PASSES_PER_READ = 3
/** Time after which the broker has noticed free space and serves requests that it refused before. */
const ROOM_NOTICED_MS = 20_000
/** Time after which no request is under way while no client acts. */
const SILENCE_MS = 6000
/** Time after which everything is copied and read, if no more faults happen. */
const REST_MS = 600_000

type End = 'stop' | 'process' | 'power'

/**
 * Runs one broker, or a cluster, with clients that write, copy and read in transactions, and with faults. Rules: readers
 * of committed records see each transaction as a whole or not at all; each input record is copied exactly once; what is
 * acknowledged stays; a producer that was replaced is refused. Throws CheckFailed if a rule is broken. The same seed gives
 * the same history.
 */
export async function simulateTransactions(
  seed: number,
  trace: Trace = () => {},
  plan: ClusterPlan = drawClusterPlan(seed),
): Promise<Record<string, number>> {
  const simulation = new TransactionSimulation(seed, trace, plan)
  await runJudging(simulation)
  return simulation.counts
}

type Actor = CopyInstance | TransactionWriter

class TransactionSimulation {
  readonly #trace: Trace
  readonly #random: SeededRandom
  readonly #host: SimulatedHost
  readonly #process: SimulatedProcess
  readonly #plan: ClusterPlan
  readonly #network: NetworkFaults | undefined
  readonly #world: TransactionWorld
  readonly #admin: ClusterClient
  readonly #events: ClusterEvents
  readonly #clusterChecks: ClusterChecks
  readonly #checks: TransactionChecks
  readonly #copies: readonly Copy[]
  /** Current instance of each copy and writer, by transactional id. */
  readonly #actors = new Map<string, Actor>()
  /** Instances that others have replaced, and that still act. */
  #zombies: Actor[] = []
  readonly #plainWriters: PlainWriter[] = []
  readonly #readers: { readonly reader: TransactionReader; readonly turns: Turns }[] = []
  readonly #directories: readonly string[]
  /** Acknowledged records are synced, so the machine may lose power. */
  readonly #isSynced: boolean
  readonly #hasZombies: boolean
  readonly #changesFeatures: boolean
  /** With two the coordinators refuse all decisions while only one replica is in sync. */
  readonly #minInSync: number
  /** Idle transactional ids are forgotten after that time. */
  readonly #expirationMs: number
  #made = 0
  /** No more faults: all brokers start. */
  #isEnding = false

  constructor(seed: number, trace: Trace, plan: ClusterPlan) {
    this.#trace = trace
    this.#plan = plan
    const random = new SeededRandom(seed)
    this.#random = random
    const host = new SimulatedHost(seed)
    this.#host = host
    writeBackAtTimes(host, seed)
    this.#process = new SimulatedProcess(host, trace, () => this.#world)
    this.#isSynced = random.oneIn(2)
    this.#hasZombies = random.oneIn(2)
    this.#changesFeatures = random.oneIn(2)
    this.#minInSync = plan.brokers > 2 && plan.random.oneIn(3) ? 2 : 1
    this.#expirationMs = random.oneIn(3) ? EXPIRATION_MS : Number.POSITIVE_INFINITY
    this.#directories = random.oneIn(3) ? ['/data/d1', '/data/d10'] : ['/data']
    this.#network = plan.hasNetworkFaults ? new NetworkFaults(plan.random, host.timers) : undefined
    const several = { isSeveral: plan.brokers > 1, racks: plan.racks, network: this.#network, random: plan.random }
    const error = (fields: object, message: string) => {
      trace(fields, message)
      if (!this.#isFailing) this.#world.fail(new CheckFailed(`an error without a reason: ${message}`))
    }
    const broker = new SimulatedBroker(host, this.#settings(), { error, warn: trace, info: trace, debug() {} }, several)
    broker.brokerCount = plan.brokers
    const topics = new AllTopics({ host, random, broker, replicas: Math.min(3, plan.brokers) })
    const ledger = new TransactionLedger()
    const contents = new TransactionContents(ledger)
    const counts = newTransactionCounts()
    const expirationMs = this.#expirationMs
    this.#world = new TransactionWorld({ host, random, broker, topics, ledger, contents, counts, trace, expirationMs })
    this.#admin = new ClusterClient(broker, 'admin', { isReliable: true })
    this.#events = new ClusterEvents(this.#world, plan.random, trace)
    this.#copies = Array.from({ length: COPIES }, (_, i) => ({
      transactionalId: `copy${i}`,
      groupId: `group${i}`,
      scheme: random.pick(schemes),
      timeoutMs: random.pick([5000, 20_000, 60_000]),
      isMember: random.oneIn(3),
    }))
    const transactionalIds = [...this.#copies.map((copy) => copy.transactionalId), ...writerIds]
    this.#checks = new TransactionChecks(this.#world, transactionalIds)
    this.#clusterChecks = new ClusterChecks({
      world: this.#world,
      random: plan.random,
      groupIds: this.#copies.map(({ groupId }) => groupId),
      transactionalIds,
      allowsUncleanElection: () => this.#events.isElectingUncleanly,
      isFailing: () => this.#isFailing,
    })
  }

  #settings(): Record<string, string> {
    return {
      ...(this.#isSynced ? { 'log.flush.interval.messages': '1' } : {}),
      'log.dirs': this.#directories.join(','),
      'auto.create.topics.enable': 'false',
      'connections.max.idle.ms': '1000000000',
      'group.min.session.timeout.ms': '1000',
      'transaction.state.log.num.partitions': '3',
      'transaction.state.log.min.isr': String(this.#minInSync),
      'offsets.topic.num.partitions': '3',
      ...(this.#expires && {
        'transactional.id.expiration.ms': String(this.#expirationMs),
        'transaction.remove.expired.transaction.cleanup.interval.ms': '2000',
      }),
      'transaction.abort.timed.out.transaction.cleanup.interval.ms': this.#random.pick(['500', '3000']),
      'log.flush.offset.checkpoint.interval.ms': '10000',
      'metadata.log.max.record.bytes.between.snapshots': this.#random.pick(['1000', '20971520']),
      ...clusterSettings(this.#plan),
    }
  }

  get counts(): Record<string, number> {
    return {
      ...this.#world.ledger.counts,
      ...this.#world.counts,
      ...this.#network?.counts,
      ...this.#process.diskCounts,
    }
  }

  get #isSeveral(): boolean {
    return this.#plan.brokers > 1
  }

  get #isFailing(): boolean {
    return this.#world.isFailing || this.#process.hasEnded
  }

  ended(reason: unknown): void {
    this.#process.ended(reason)
  }

  async run(): Promise<void> {
    await this.#start()
    await this.#makeTopics()
    this.#makeClients()
    for (let i = 0; i < STEPS; i++) {
      await this.#process.guarded(() => this.#step())
      this.#process.check()
      if (this.#isSeveral && this.#plan.random.oneIn(3) && !this.#process.hasEnded) await this.#changeCluster()
      if (this.#process.hasEnded) await this.#restart(this.#pickCrash())
    }
    await this.#comeToRest()
  }

  // Clients.

  async #makeTopics(): Promise<void> {
    await this.#world.topics.make()
    const coordinatorKeys = this.#copies.map(({ transactionalId }) => transactionalId)
    const find = (keyType: number) => this.#admin.ask(FindCoordinator, 4, { key: '', keyType, coordinatorKeys })
    for (const keyType of [0, TRANSACTION_KEY]) await this.#host.settle(find(keyType))
    await this.#host.advance(1000)
  }

  #makeClients(): void {
    const { topics } = this.#world
    for (const copy of this.#copies) this.#begin(copy.transactionalId)
    for (const transactionalId of writerIds) this.#begin(transactionalId)
    const inputs = () => topics.input.partitions
    this.#addPlainWriter(new PlainWriter(this.#world, 'input0', inputs, FIRST_INPUT))
    this.#addPlainWriter(new PlainWriter(this.#world, 'input1', inputs, LATER_INPUT))
    this.#addPlainWriter(new PlainWriter(this.#world, 'plain', () => topics.outputs, PLAIN_RECORDS))
    for (const isCommittedOnly of [true, true, false]) {
      const reader = new TransactionReader(this.#world, `reader${this.#readers.length}`, isCommittedOnly)
      const turns = new Turns(this.#random)
      this.#readers.push({ reader, turns })
      this.#world.watch(reader.run(turns))
    }
  }

  #addPlainWriter(writer: PlainWriter): void {
    this.#plainWriters.push(writer)
    this.#world.watch(writer.run())
  }

  /** Starts an instance of a copy or a writer. */
  #begin(transactionalId: string): void {
    const name = `${transactionalId}-${this.#made++}`
    const copy = this.#copies.find((each) => each.transactionalId === transactionalId)
    const actor =
      copy === undefined ? this.#newWriter(transactionalId, name) : new CopyInstance(this.#world, copy, name)
    this.#actors.set(transactionalId, actor)
    this.#world.watch(actor.run())
  }

  #newWriter(transactionalId: string, name: string): TransactionWriter {
    const scheme = this.#random.pick(schemes)
    const timeoutMs = this.#random.pick([5000, 60_000])
    return new TransactionWriter(this.#world, { transactionalId, name, scheme, timeoutMs })
  }

  /** A client ends without a word, or goes on later as a zombie; another one takes its place. */
  #replaceOne(): void {
    const committing = [...this.#actors].filter(([, { producer }]) => producer.isCommitting)
    const [transactionalId, actor] = this.#random.pick(committing.length > 0 ? committing : [...this.#actors])
    if (this.#hasZombies && this.#random.oneIn(2)) {
      this.#world.counts.zombies++
      actor.isReplaced = true
      actor.sleepsUntilMs = this.#host.clock.monotonicMs() + this.#random.pick([0, 1000, 10_000])
      this.#zombies.push(actor)
    } else this.#world.counts.endedClients++
    this.#begin(transactionalId)
  }

  /** Advances the time while all clients that are awake act. */
  async #pass(ms: number): Promise<void> {
    this.#zombies = this.#zombies.filter(({ isEnded }) => !isEnded)
    const nowMs = this.#host.clock.monotonicMs()
    for (const actor of [...this.#actors.values(), ...this.#zombies])
      if (nowMs >= actor.sleepsUntilMs) actor.turns.act()
    for (const { turns } of this.#plainWriters) turns.act()
    for (const { turns } of this.#readers) if (this.#isEnding || this.#random.oneIn(PASSES_PER_READ)) turns.act()
    await this.#host.advance(ms)
    this.#process.check()
    const isCommitting = [...this.#actors.values()].some(({ producer }) => producer.isCommitting)
    if (isCommitting && !this.#isEnding && this.#random.oneIn(COMMITS_PER_END)) this.#replaceOne()
  }

  // Events.

  async #step(): Promise<void> {
    const random = this.#random
    const dice = random.below(100)
    if (dice < 3) this.#replaceOne()
    else if (dice < 5) await this.#restart('stop')
    else if (dice < 7) await this.#restart(this.#pickCrash())
    else if (dice < 10) this.#host.files.crashAfterChanges = random.below(80)
    else if (dice < 14) this.#replaceOne()
    else if (dice < 17 && this.#changesFeatures) await this.#changeFeature(random.below(3))
    else if (dice < 20) await this.#changeTopics()
    else if (dice < 22) await this.#deleteRecords()
    else if (dice < 24) await this.#failDisk()
    else if (dice < 25) await this.#fillDisk()
    else if (dice < 27) await this.#failPart()
    else if (dice < 32) await this.#look()
    for (let i = 0; i < 3; i++) await this.#pass(random.pick([1, 1, 20, 200, 1000]))
  }

  #pickCrash(): End {
    return this.#isSynced && this.#random.oneIn(2) ? 'power' : 'process'
  }

  /** One broker at most answers for a transactional id, also while coordinators move. */
  async #look(): Promise<void> {
    if (this.#isFailing) return
    await this.#checks.described()
    await this.#checks.listed()
  }

  async #changeFeature(level: number): Promise<void> {
    // A request may be served while it is changed.
    this.#world.hadVersionZero ||= level === 0
    const current = this.#world.broker.cluster.metadata.image.features.get('transaction.version') ?? 0
    const upgradeType = level >= current ? 1 : 2
    const featureUpdates = [
      { feature: 'transaction.version', maxVersionLevel: level, allowDowngrade: false, upgradeType },
    ]
    const asked = this.#admin.ask(UpdateFeatures, 1, { featureUpdates, validateOnly: false, timeoutMs: 30_000 })
    const { errorCode, errorMessage } = await this.#host.settle(asked)
    this.#trace({ level, error: errorName(errorCode) }, 'changes transaction.version')
    check(errorCode === 0 || this.#isFailing, `transaction.version cannot be ${level}: ${errorMessage}`)
    this.#world.counts.featureChanges++
  }

  async #changeTopics(): Promise<void> {
    const { topics, counts, broker } = this.#world
    const [missing] = topics.missing
    if (missing !== undefined) {
      const error = await topics.makeOne(missing)
      this.#trace({ topic: missing, error }, 'makes a topic')
      const isShort = error === 'INVALID_REPLICATION_FACTOR' && broker.isSeveral
      check(error === undefined || isShort || this.#isFailing, `${missing} cannot be made: ${error}`)
      if (error === undefined) counts.topicsMade++
      return
    }
    const topic = this.#random.pick(topics.passing)
    const error = await topics.deleteOne(topic)
    this.#trace({ topic: topic.plan.name, error }, 'deletes a topic')
    check(error === undefined || this.#isFailing, `${topic.plan.name} cannot be deleted: ${error}`)
    if (error === undefined) counts.topicsDeleted++
  }

  async #deleteRecords(): Promise<void> {
    const { topics, contents, counts } = this.#world
    const partitions = topics.passing.flatMap((topic) => [...topic.partitions])
    if (partitions.length === 0) return
    const partition = this.#random.pick(partitions)
    const { highWatermark } = contents.endsOf(partition)
    const error = await topics.deleteRecords(partition, this.#random.below(highWatermark + 1))
    if (error === 'NONE') counts.deletions++
  }

  // Faults.

  async #failDisk(): Promise<void> {
    this.#world.counts.failingDisks++
    this.#world.isFailing = true
    const some = () => (this.#random.oneIn(2) ? 4 + this.#random.below(30) : 0)
    this.#host.files.rates = {
      ...NO_FAULTS,
      ...{ writeError: some(), readError: some(), syncError: some(), shortTransfer: 2, slowSync: some() },
    }
    await this.#process.guarded(async () => {
      for (let i = 0; i < 8; i++) await this.#pass(this.#random.pick([1, 30, 2000]))
    })
    this.#process.check()
    this.#host.files.rates = this.#milderRates()
    await this.#restart(this.#random.oneIn(2) ? 'process' : this.#pickCrash())
  }

  #milderRates() {
    return { ...NO_FAULTS, shortTransfer: this.#random.pick([0, 3]), slowSync: this.#random.pick([0, 0, 10]) }
  }

  async #fillDisk(): Promise<void> {
    this.#world.counts.fullDisks++
    const { memory } = this.#host
    this.#world.isFailing = true
    memory.capacityBytes = Number.MAX_SAFE_INTEGER
    memory.capacityBytes = Number.MAX_SAFE_INTEGER - memory.space('/').freeBytes + this.#random.below(4000)
    await this.#process.guarded(async () => {
      for (let i = 0; i < 6; i++) await this.#pass(this.#random.pick([1, 600, 6000]))
    })
    memory.capacityBytes = Number.POSITIVE_INFINITY
    if (this.#process.hasEnded) return
    await this.#pass(ROOM_NOTICED_MS)
    await this.#restart(this.#pickCrash())
  }

  /** One log, also of a coordinator, or one of two data directories fails. */
  async #failPart(): Promise<void> {
    this.#world.counts.failingParts++
    const { files, memory } = this.#host
    const partition = this.#random.pick([...this.#world.topics.partitions, ...this.#world.topics.ofCoordinators])
    const part = drawPartFault(this.#random, { files: memory, directories: this.#directories, partition })
    this.#trace({}, part.what)
    this.#world.isFailing = true
    files.pathFaults = [part.fault]
    await this.#process.guarded(async () => {
      for (let i = 0; i < 6; i++) {
        await this.#pass(this.#random.pick([1, 30, 2000, 10_000]))
        if (this.#random.oneIn(8)) files.pathFaults = []
      }
    })
    this.#process.check()
    files.pathFaults = []
    await this.#restart(this.#pickCrash())
  }

  /** Changes the cluster while requests are in flight. The process may end on the way. */
  async #changeCluster(): Promise<void> {
    const { random } = this.#plan
    if (random.oneIn(12)) this.#host.files.crashAfterChanges = random.below(30)
    await this.#process.guarded(async () => {
      await this.#pass(random.below(3))
      await this.#events.act()
      // New coordinators load meanwhile.
      if (random.oneIn(2)) await this.#look()
      await this.#pass(random.below(20))
      if (random.oneIn(2)) await this.#clusterChecks.check(this.#world.topics.partitions)
    })
    this.#process.check()
  }

  // Stops and starts.

  async #restart(how: End): Promise<void> {
    const { counts, broker } = this.#world
    this.#trace({ how }, 'the broker ends')
    const before = how === 'stop' && !this.#isFailing ? await this.#describedAtStop() : undefined
    if (how === 'stop') counts.cleanStops++
    else if (how === 'process') counts.crashes++
    else counts.powerLosses++
    await broker.end(how)
    await this.#start()
    if (before !== undefined)
      await this.#process.guarded(async () =>
        this.#checks.checkReplayed(before, await this.#untilDescribed(before.size)),
      )
  }

  /** No request is under way any more, so nothing changes between the look and the stop, except what is timed. */
  async #describedAtStop() {
    // An end that is refused for want of replicas, or lost on the way, would be asked for again after the start.
    if (this.#random.oneIn(2) || this.#expires || this.#isShortOfReplicas || this.#network !== undefined)
      return undefined
    let described: Awaited<ReturnType<TransactionChecks['described']>> | undefined
    await this.#process.guarded(async () => {
      await this.#host.advance(SILENCE_MS)
      described = await this.#checks.described()
    })
    // A request that waits for a slow disk is still under way.
    return this.#isFailing || this.#host.files.rates.slowSync > 0 ? undefined : described
  }

  get #expires(): boolean {
    return this.#expirationMs < Number.POSITIVE_INFINITY
  }

  get #isShortOfReplicas(): boolean {
    const { topicsByName } = this.#world.broker.cluster.metadata.image
    const partitions = topicsByName.get('__transaction_state')?.partitions ?? []
    return partitions.some(({ isr }) => isr.length < this.#minInSync)
  }

  /** After a start: the coordinators load. Brokers that do not run coordinate nothing. */
  async #untilDescribed(count: number) {
    for (let i = 0; ; i++) {
      const described = await this.#checks.described()
      if (described.size >= count || i === 1000) return described
      await this.#host.advance(20)
    }
  }

  async #start(): Promise<void> {
    const { files } = this.#host
    for (;;) {
      // The process or the machine may end during recovery.
      if (!this.#isEnding && this.#random.oneIn(6)) files.crashAfterChanges = this.#random.below(30)
      if (this.#isEnding) this.#world.broker.startWithAll(this.#plan.brokers)
      else if (this.#isSeveral) this.#events.resize(this.#plan.brokers)
      if (await this.#isUp()) break
      this.#world.counts.failedStarts++
      await this.#world.broker.end(this.#pickCrash())
    }
    files.crashAfterChanges = Number.POSITIVE_INFINITY
  }

  /** False if the start failed for a valid reason. */
  async #isUp(): Promise<boolean> {
    const { files } = this.#host
    this.#world.isFailing = false
    this.#world.runNumber++
    files.rates = this.#isEnding ? NO_FAULTS : this.#milderRates()
    try {
      await this.#world.broker.start()
      if (this.#isSeveral) this.#clusterChecks.watch()
      if (!files.crashed) this.#world.topics.recognise()
    } catch (error) {
      if (error instanceof CheckFailed || !files.crashed) throw error
    }
    this.#process.check()
    return !files.crashed
  }

  // The end.

  async #comeToRest(): Promise<void> {
    if (this.#network !== undefined) this.#network.isFaulty = false
    this.#host.files.crashAfterChanges = Number.POSITIVE_INFINITY
    this.#isEnding = true
    this.#zombies = []
    await this.#restart(this.#random.pick(['stop', 'process'] as const))
    if (this.#world.hadVersionZero) await this.#changeFeature(2)
    for (const actor of this.#actors.values()) {
      actor.sleepsUntilMs = 0
      actor.isEnding = true
    }
    for (const { reader } of this.#readers) reader.isEnding = true
    const endMs = this.#host.clock.monotonicMs() + REST_MS
    for (;;) {
      const wrong = await this.#restless()
      if (wrong === undefined) break
      check(this.#host.clock.monotonicMs() < endMs, `after ten minutes ${wrong}`)
      for (let i = 0; i < 5; i++) await this.#pass(100)
    }
    if (this.#isSeveral) await this.#clusterChecks.check(this.#world.topics.partitions)
    await this.#checkAll()
    const before = await this.#checks.described()
    await this.#world.broker.end(this.#pickCrash())
    await this.#start()
    const after = this.#expires ? before : await this.#untilDescribed(before.size)
    check(JSON.stringify([...before].sort()) === JSON.stringify([...after].sort()), 'a restart changed transactions')
    this.#process.check()
  }

  /** Why not all is done. */
  async #restless(): Promise<string | undefined> {
    const { topics } = this.#world
    if (this.#plainWriters.some(({ isEnded }) => !isEnded)) return 'not all records are written'
    for (const actor of this.#actors.values())
      if (actor instanceof TransactionWriter && !actor.isEnded)
        return `${actor.producer.instance.name} is not at its end`
    for (const partition of topics.input.partitions) {
      const end = await this.#checks.endOf(partition)
      for (const actor of this.#actors.values())
        if (actor instanceof CopyInstance && !actor.isAt(partition.index, end))
          return `${actor.producer.instance.name} has not copied ${partition.name} up to ${end}`
    }
    const unsettled = await this.#checks.unsettled()
    if (unsettled !== undefined) return unsettled
    for (const partition of topics.partitions) {
      const end = await this.#checks.endOf(partition)
      if (this.#readers.some(({ reader }) => !reader.isAt(partition, end)))
        return `${partition.name} is not read to ${end}`
    }
    return undefined
  }

  async #checkAll(): Promise<void> {
    const { ledger } = this.#world
    this.#checks.checkWhole()
    for (const copy of this.#copies) this.#checks.checkCopied(copy, ledger.offsetsOf(copy.transactionalId))
  }
}

const writerIds = Array.from({ length: WRITERS }, (_, i) => `writer${i}`)
