import { CreateTopics } from '../../protocol/apis/create-topics.ts'
import { FindCoordinator } from '../../protocol/apis/find-coordinator.ts'
import { GROUP_TOPIC } from '../../src/coordinator/group/open-group-coordinator.ts'
import { NO_FAULTS, SimulatedCrash } from '../../storage/host/faulty-files.ts'
import { SeededRandom } from '../../storage/host/seeded-random.ts'
import { SimulatedHost } from '../../storage/host/simulated-host.ts'
import { clusterSettings } from './broker-world.ts'
import { ClusterChecks } from './cluster-checks.ts'
import { ClusterEvents } from './cluster-events.ts'
import { type ClusterPlan, drawClusterPlan } from './cluster-plan.ts'
import { type ClusterCounts, type ClusterWorld, newClusterCounts } from './cluster-world.ts'
import { CoordinatorClient, clientOfOne } from './coordinator-client.ts'
import { GroupChecks } from './group-checks.ts'
import { GroupLedger } from './group-ledger.ts'
import {
  PARTITIONS,
  SESSION_MS,
  SimulatedClassicMember,
  SimulatedConsumerMember,
  type SimulatedMember,
  TOPIC,
} from './group-members.ts'
import { NetworkFaults } from './network-faults.ts'
import { ConnectionLost, SimulatedBroker } from './simulated-broker.ts'
import { CheckFailed, check } from './storage-model.ts'
import type { Trace } from './trace.ts'
import { runJudging } from './uncaught-errors.ts'

/** What happened in a run. Tests check it, for example that there were faults. */
interface GroupCounts extends ClusterCounts {
  lostClients: number
  slowClients: number
  departures: number
  clockJumps: number
  cleanStops: number
  crashes: number
  powerLosses: number
}

const STEPS = 150
/** One sync in so many takes seconds: members change meanwhile, and coordinators move. */
const SYNCS_PER_SLOW_ONE = 8
/** Numbers of members of each group: classic protocol, consumer protocol. */
const GROUPS = { classic: [3, 0], consumer: [0, 3], mixed: [2, 2] } as const
type GroupId = keyof typeof GROUPS
const GROUP_IDS = Object.keys(GROUPS) as GroupId[]

type End = 'stop' | 'process' | 'power'

/**
 * Runs the groups of one broker, or of a cluster, with seeded clients and faults. Rules: only one member commits for a
 * partition in a generation; acknowledged offsets are never lost and never go back; described members never own the
 * same partition; two brokers never serve the same group; in the end every group is stable; neither a move of its
 * coordinator nor a restart changes anything. Throws CheckFailed if a rule is broken. The same seed gives the same
 * history. With one broker the network is in order.
 */
export async function simulateGroups(
  seed: number,
  trace: Trace = () => {},
  plan: ClusterPlan = drawClusterPlan(seed),
): Promise<Record<string, number>> {
  const simulation = new GroupSimulation(seed, trace, plan)
  await runJudging(simulation)
  return simulation.counts
}

interface Actor {
  readonly groupId: GroupId
  readonly number: number
  member: SimulatedMember
  /** Virtual time until which it does nothing. */
  sleepsUntilMs: number
}

class GroupSimulation {
  readonly #counts: GroupCounts = {
    lostClients: 0,
    slowClients: 0,
    departures: 0,
    clockJumps: 0,
    cleanStops: 0,
    crashes: 0,
    powerLosses: 0,
    ...newClusterCounts(),
  }
  readonly #random: SeededRandom
  readonly #host: SimulatedHost
  readonly #plan: ClusterPlan
  readonly #network: NetworkFaults | undefined
  readonly #broker: SimulatedBroker
  readonly #events: ClusterEvents
  readonly #clusterChecks: ClusterChecks
  readonly #ledger = new GroupLedger((groupId) => groupId === 'mixed')
  readonly #checks: GroupChecks
  readonly #actors: Actor[] = []
  /** Acknowledged records are synced, so the machine may lose power. */
  readonly #isSynced: boolean
  #made = 0
  #failure: unknown

  constructor(seed: number, trace: Trace, plan: ClusterPlan) {
    this.#random = new SeededRandom(seed)
    const host = new SimulatedHost(seed)
    this.#host = host
    host.fatal = (reason) => this.ended(reason)
    this.#plan = plan
    this.#isSynced = this.#random.oneIn(2)
    const settings = {
      'group.min.session.timeout.ms': '1000',
      'group.consumer.min.session.timeout.ms': '1000',
      'group.consumer.session.timeout.ms': String(SESSION_MS),
      'group.consumer.min.heartbeat.interval.ms': '1000',
      'group.consumer.heartbeat.interval.ms': '1000',
      ...(this.#isSynced ? { 'log.flush.interval.messages': '1' } : {}),
      ...(this.#isSeveral ? { 'connections.max.idle.ms': '1000000000' } : {}),
      ...clusterSettings(plan),
    }
    this.#network = this.#isSeveral && plan.hasNetworkFaults ? new NetworkFaults(plan.random, host.timers) : undefined
    const several = { isSeveral: this.#isSeveral, racks: plan.racks, network: this.#network, random: plan.random }
    const error = (fields: object, message: string) => {
      trace(fields, message)
      if (!host.files.crashed) this.#fail(new CheckFailed(`an error without a reason: ${message}`))
    }
    const broker = new SimulatedBroker(host, settings, { error, warn: trace, info: trace, debug() {} }, several)
    broker.brokerCount = plan.brokers
    if (this.#isSeveral && plan.random.oneIn(2)) host.files.rates = { ...NO_FAULTS, slowSync: SYNCS_PER_SLOW_ONE }
    this.#broker = broker
    const fail = (error: unknown) => this.#fail(error)
    const world: ClusterWorld = { host, broker, counts: this.#counts, fail }
    this.#events = new ClusterEvents(world, plan.random, trace)
    const isFailing = () => host.files.crashed
    const allowsUncleanElection = () => this.#events.isElectingUncleanly
    const checks = { world, random: plan.random, groupIds: GROUP_IDS, allowsUncleanElection, isFailing }
    this.#clusterChecks = new ClusterChecks(checks)
    this.#checks = new GroupChecks({ host, broker, ledger: this.#ledger, groupIds: GROUP_IDS })
    for (const groupId of GROUP_IDS) {
      const [classic, consumer] = GROUPS[groupId]
      for (let number = 0; number < classic + consumer; number++) {
        this.#actors.push({ groupId, number, member: this.#newMember(groupId, number), sleepsUntilMs: 0 })
      }
    }
  }

  get counts(): Record<string, number> {
    return {
      commits: this.#ledger.commits,
      ...this.#counts,
      ...this.#network?.counts,
      slowSyncs: this.#host.files.struck.slowSync,
      endsMidway: this.#host.files.struck.crash,
    }
  }

  get #isSeveral(): boolean {
    return this.#plan.brokers > 1
  }

  /** An error that nothing catches: a real process would have ended. */
  ended(reason: unknown): void {
    if (!(reason instanceof SimulatedCrash) && !this.#host.files.crashed) this.#fail(reason)
  }

  async run(): Promise<void> {
    await this.#start()
    await this.#makeTopics()
    for (let i = 0; i < STEPS; i++) {
      await this.#step()
      if (this.#isSeveral && this.#plan.random.oneIn(3)) await this.#changeCluster()
    }
    if (this.#isSeveral) await this.#mend()
    await this.#comeToRest()
    const before = await this.#checks.described()
    if (this.#isSeveral) {
      await this.#events.moveAll(GROUP_TOPIC)
      await this.#clusterChecks.check([])
      await this.#checkUnchanged(before, 'a move of the coordinators')
    }
    await this.#broker.end(this.#random.oneIn(2) ? 'stop' : 'process')
    await this.#start()
    await this.#checkUnchanged(before, 'a restart')
    this.#check()
  }

  #check(): void {
    if (this.#failure !== undefined) throw this.#failure
  }

  async #checkUnchanged(before: string, event: string): Promise<void> {
    const after = await this.#checks.described()
    check(before === after, `${event} made ${after} of ${before}`)
  }

  async #start(): Promise<void> {
    await this.#broker.start()
    if (this.#isSeveral) this.#clusterChecks.watch()
  }

  #newMember(groupId: GroupId, number: number): SimulatedMember {
    const [classic, consumer] = GROUPS[groupId]
    const name = `${groupId}-${number}-${this.#made++}`
    const place = {
      client: this.#isSeveral ? new CoordinatorClient(this.#broker, groupId, name) : clientOfOne(this.#broker),
      random: this.#random,
      ledger: this.#ledger,
      groupId,
      name,
      // The last one of each group is static.
      instanceId: number === classic + consumer - 1 ? 'static' : null,
    }
    return number < classic ? new SimulatedClassicMember(place) : new SimulatedConsumerMember(place)
  }

  async #makeTopics(): Promise<void> {
    const replicationFactor = Math.min(3, this.#plan.brokers)
    const topic = { name: TOPIC, numPartitions: PARTITIONS, replicationFactor, assignments: [], configs: [] }
    const ask = { topics: [topic], timeoutMs: 10_000, validateOnly: false }
    await this.#host.settle(this.#broker.ask(CreateTopics, 5, ask))
    const coordinatorKeys = GROUP_IDS
    await this.#host.settle(this.#broker.ask(FindCoordinator, 4, { key: '', keyType: 0, coordinatorKeys }))
    await this.#host.advance(1000)
  }

  // Events.

  async #step(): Promise<void> {
    const random = this.#random
    const dice = random.below(100)
    const actor = random.pick(this.#actors)
    if (dice < 3) {
      this.#counts.lostClients++
      actor.member = this.#newMember(actor.groupId, actor.number)
    } else if (dice < 6) {
      this.#counts.slowClients++
      actor.sleepsUntilMs = this.#host.clock.monotonicMs() + random.below(2 * SESSION_MS)
    } else if (dice < 9) {
      this.#counts.departures++
      this.#watch(actor.member.leave())
    } else if (dice < 11) {
      this.#counts.clockJumps++
      this.#host.jumpWallClock((random.below(3) - 1) * 3_600_000)
    } else if (dice < 16) await this.#restart(this.#pickEnd())
    await this.#pass(random.pick([1, 20, 200, 1000]))
    if (random.oneIn(5)) await this.#checks.look()
  }

  #pickEnd(): End {
    return this.#random.pick(this.#isSynced ? (['stop', 'process', 'power'] as const) : (['stop', 'process'] as const))
  }

  async #restart(how: End): Promise<void> {
    if (how === 'stop') this.#counts.cleanStops++
    else if (how === 'process') this.#counts.crashes++
    else this.#counts.powerLosses++
    await this.#broker.end(how)
    if (this.#isSeveral) this.#events.resize(this.#plan.brokers)
    await this.#start()
  }

  /** Changes the cluster while requests of members are in flight. The process may end on the way. */
  async #changeCluster(): Promise<void> {
    const { files } = this.#host
    if (this.#plan.random.oneIn(6)) files.crashAfterChanges = this.#plan.random.below(30)
    try {
      await this.#tryToChange()
    } catch (error) {
      if (error instanceof CheckFailed || !files.crashed) throw error
    }
    files.crashAfterChanges = Number.POSITIVE_INFINITY
    if (files.crashed) await this.#restart(this.#isSynced && this.#plan.random.oneIn(2) ? 'power' : 'process')
  }

  async #tryToChange(): Promise<void> {
    const { random } = this.#plan
    await this.#pass(random.below(3))
    await this.#events.act()
    // New coordinators load meanwhile.
    if (random.oneIn(2)) await this.#checks.look()
    await this.#pass(random.below(20))
    if (random.oneIn(2)) await this.#clusterChecks.check([])
  }

  /** No more faults: all brokers come back. */
  async #mend(): Promise<void> {
    const broker = this.#broker
    if (this.#network !== undefined) this.#network.isFaulty = false
    this.#host.files.rates = NO_FAULTS
    broker.startWithAll(this.#plan.brokers)
    if (broker.cluster.brokers.nodeIds.length < broker.brokerCount) {
      await broker.end('process')
      await this.#start()
    }
    for (const nodeId of broker.cluster.brokers.nodeIds) await broker.startOne(nodeId)
    await this.#clusterChecks.check([])
  }

  /** Advances the time while all awake members act. */
  async #pass(ms: number): Promise<void> {
    for (const { member, sleepsUntilMs } of this.#actors) {
      if (this.#host.clock.monotonicMs() >= sleepsUntilMs) member.act((error) => this.#fail(error))
    }
    await this.#host.advance(ms)
    this.#check()
  }

  #fail(error: unknown): void {
    this.#failure ??= error
  }

  #watch(task: Promise<unknown>): void {
    task.catch((error) => {
      if (!(error instanceof ConnectionLost)) this.#fail(error)
    })
  }

  /** After the last fault: within two minutes every member must work and every partition be assigned. */
  async #comeToRest(): Promise<void> {
    for (const actor of this.#actors) actor.sleepsUntilMs = 0
    for (let second = 0; second < 120; second++) {
      for (let i = 0; i < 4; i++) await this.#pass(250)
      await this.#checks.look()
      if (second > 2 * (SESSION_MS / 1000) && this.#isAtRest()) return
    }
    const members = this.#actors.map(({ member }) => `${member.isSettled}:${[...member.positions.keys()].join('/')}`)
    check(false, `not all work after two minutes: ${members.join(' ')}`)
  }

  #isAtRest(): boolean {
    return GROUP_IDS.every((groupId) => {
      const members = this.#actors.filter((actor) => actor.groupId === groupId).map(({ member }) => member)
      const owned = members.flatMap(({ positions }) => [...positions.keys()])
      return (
        members.every(({ isSettled }) => isSettled) && owned.length === PARTITIONS && new Set(owned).size === PARTITIONS
      )
    })
  }
}
