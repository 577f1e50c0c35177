import { ConsumerGroupDescribe } from '../../protocol/apis/consumer-group-describe.ts'
import { CreateTopics } from '../../protocol/apis/create-topics.ts'
import { DescribeGroups } from '../../protocol/apis/describe-groups.ts'
import { FindCoordinator } from '../../protocol/apis/find-coordinator.ts'
import { ListGroups } from '../../protocol/apis/list-groups.ts'
import { OffsetFetch } from '../../protocol/apis/offset-fetch.ts'
import { errorName } from '../../protocol/error-codes.ts'
import { SeededRandom } from '../../storage/host/seeded-random.ts'
import { SimulatedHost } from '../../storage/host/simulated-host.ts'
import {
  type GroupLedger,
  PARTITIONS,
  SESSION_MS,
  SimulatedClassicMember,
  SimulatedConsumerMember,
  type SimulatedMember,
  TOPIC,
} from './group-members.ts'
import { ConnectionLost, SimulatedBroker } from './simulated-broker.ts'
import { check } from './storage-model.ts'

/** What happened in a run. Tests check it, for example that there were faults. */
export interface GroupCounts {
  commits: number
  lostClients: number
  slowClients: number
  departures: number
  clockJumps: number
  cleanStops: number
  crashes: number
  powerLosses: number
}

const STEPS = 150
/** Numbers of members of each group: classic protocol, consumer protocol. */
const GROUPS = { classic: [3, 0], consumer: [0, 3], mixed: [2, 2] } as const
type GroupId = keyof typeof GROUPS

/**
 * Runs the groups of one broker with seeded clients and faults. Rules: only one member commits for a partition in a
 * generation; acknowledged offsets are never lost and never go back; described members never own the same partition;
 * in the end every group is stable; a restart changes nothing. Throws CheckFailed if a rule is broken. The same seed
 * gives the same history.
 */
export async function simulateGroups(
  seed: number,
  trace: (fields: object, message: string) => void = () => {},
): Promise<GroupCounts> {
  const simulation = new GroupSimulation(seed, trace)
  await simulation.run()
  return simulation.counts
}

interface Actor {
  readonly groupId: GroupId
  readonly number: number
  member: SimulatedMember
  /** Virtual time until which it does nothing. */
  sleepsUntilMs: number
}

class Ledger implements GroupLedger {
  readonly counts: GroupCounts
  /** By group and partition: the last acknowledged and the last fetched offset. */
  readonly #atLeast = new Map<string, number>()
  /** Committing member by group, generation and partition. */
  readonly #committers = new Map<string, string>()

  constructor(counts: GroupCounts) {
    this.counts = counts
  }

  committed(groupId: string, generation: number, partition: number, memberId: string, offset: number): void {
    this.counts.commits++
    const place = `${groupId}, generation ${generation}, partition ${partition}`
    const before = this.#committers.get(place)
    check(before === undefined || before === memberId, `${place}: ${before} and ${memberId} both commit`)
    this.#committers.set(place, memberId)
    this.#raise(`${groupId}-${partition}`, offset)
  }

  fetched(groupId: string, partition: number, offset: number): void {
    const known = this.#atLeast.get(`${groupId}-${partition}`) ?? -1
    check(offset >= known, `${groupId}, partition ${partition}: ${known} was known, and now it is ${offset}`)
    this.#raise(`${groupId}-${partition}`, offset)
  }

  #raise(key: string, offset: number): void {
    this.#atLeast.set(key, Math.max(offset, this.#atLeast.get(key) ?? -1))
  }
}

class GroupSimulation {
  readonly counts: GroupCounts = {
    commits: 0,
    lostClients: 0,
    slowClients: 0,
    departures: 0,
    clockJumps: 0,
    cleanStops: 0,
    crashes: 0,
    powerLosses: 0,
  }
  readonly #random: SeededRandom
  readonly #host: SimulatedHost
  readonly #broker: SimulatedBroker
  readonly #ledger = new Ledger(this.counts)
  readonly #actors: Actor[] = []
  /** Acknowledged records are synced, so the machine may lose power. */
  readonly #isSynced: boolean
  #made = 0
  #failure: unknown

  constructor(seed: number, trace: (fields: object, message: string) => void) {
    this.#random = new SeededRandom(seed)
    this.#host = new SimulatedHost(seed)
    this.#isSynced = this.#random.oneIn(2)
    const settings = {
      'group.min.session.timeout.ms': '1000',
      'group.consumer.min.session.timeout.ms': '1000',
      'group.consumer.session.timeout.ms': String(SESSION_MS),
      'group.consumer.min.heartbeat.interval.ms': '1000',
      'group.consumer.heartbeat.interval.ms': '1000',
      ...(this.#isSynced ? { 'log.flush.interval.messages': '1' } : {}),
    }
    const log = (fields: object, message: string) => trace(fields, message)
    this.#broker = new SimulatedBroker(this.#host, settings, { error: log, warn: log, info: log, debug() {} })
    for (const groupId of Object.keys(GROUPS) as GroupId[]) {
      const [classic, consumer] = GROUPS[groupId]
      for (let number = 0; number < classic + consumer; number++) {
        this.#actors.push({ groupId, number, member: this.#newMember(groupId, number), sleepsUntilMs: 0 })
      }
    }
  }

  async run(): Promise<void> {
    await this.#broker.start()
    await this.#makeTopics()
    for (let i = 0; i < STEPS; i++) await this.#step()
    await this.#comeToRest()
    const before = await this.#described()
    await this.#broker.end(this.#random.oneIn(2) ? 'stop' : 'process')
    await this.#broker.start()
    const after = await this.#described()
    check(before === after, `a restart made ${after} of ${before}`)
  }

  #newMember(groupId: GroupId, number: number): SimulatedMember {
    const { 0: classic } = GROUPS[groupId]
    const place = {
      broker: this.#broker,
      random: this.#random,
      ledger: this.#ledger,
      groupId,
      name: `${groupId}-${number}-${this.#made++}`,
      // The last one of each group is static.
      instanceId: number === GROUPS[groupId][0] + GROUPS[groupId][1] - 1 ? 'static' : null,
    }
    return number < classic ? new SimulatedClassicMember(place) : new SimulatedConsumerMember(place)
  }

  async #makeTopics(): Promise<void> {
    const topic = { name: TOPIC, numPartitions: PARTITIONS, replicationFactor: 1, assignments: [], configs: [] }
    const ask = { topics: [topic], timeoutMs: 10_000, validateOnly: false }
    await this.#host.settle(this.#broker.ask(CreateTopics, 5, ask))
    const coordinatorKeys = Object.keys(GROUPS)
    await this.#host.settle(this.#broker.ask(FindCoordinator, 4, { key: '', keyType: 0, coordinatorKeys }))
    await this.#host.advance(1000)
  }

  // Events.

  async #step(): Promise<void> {
    const random = this.#random
    const dice = random.below(100)
    const actor = random.pick(this.#actors)
    if (dice < 3) {
      this.counts.lostClients++
      actor.member = this.#newMember(actor.groupId, actor.number)
    } else if (dice < 6) {
      this.counts.slowClients++
      actor.sleepsUntilMs = this.#host.clock.monotonicMs() + random.below(2 * SESSION_MS)
    } else if (dice < 9) {
      this.counts.departures++
      this.#watch(actor.member.leave())
    } else if (dice < 11) {
      this.counts.clockJumps++
      this.#host.jumpWallClock((random.below(3) - 1) * 3_600_000)
    } else if (dice < 16) await this.#restart()
    await this.#pass(random.pick([1, 20, 200, 1000]))
    if (random.oneIn(5)) await this.#look()
  }

  async #restart(): Promise<void> {
    const how = this.#random.pick(
      this.#isSynced ? (['stop', 'process', 'power'] as const) : (['stop', 'process'] as const),
    )
    if (how === 'stop') this.counts.cleanStops++
    else if (how === 'process') this.counts.crashes++
    else this.counts.powerLosses++
    await this.#broker.end(how)
    await this.#broker.start()
  }

  /** Advances the time while all awake members act. */
  async #pass(ms: number): Promise<void> {
    for (const { member, sleepsUntilMs } of this.#actors) {
      if (this.#host.clock.monotonicMs() >= sleepsUntilMs) member.act((error) => this.#fail(error))
    }
    await this.#host.advance(ms)
    if (this.#failure !== undefined) throw this.#failure
  }

  #fail(error: unknown): void {
    this.#failure ??= error
  }

  #watch(task: Promise<unknown>): void {
    task.catch((error) => {
      if (!(error instanceof ConnectionLost)) this.#fail(error)
    })
  }

  // Checks.

  /** Checks that committed offsets have not decreased and that no partition has two owners. */
  async #look(): Promise<void> {
    for (const groupId of Object.keys(GROUPS)) {
      const groups = [{ groupId, memberId: null, memberEpoch: -1, topics: null }]
      const ask = { groupId: '', topics: [], groups, requireStable: false }
      const { groups: answered } = await this.#host.settle(this.#broker.ask(OffsetFetch, 9, ask))
      if (errorName(answered[0]!.errorCode) !== 'NONE') continue
      for (const { partitionIndex, committedOffset } of answered[0]!.topics[0]?.partitions ?? []) {
        this.#ledger.fetched(groupId, partitionIndex, committedOffset)
      }
    }
    await this.#checkOwners()
  }

  async #checkOwners(): Promise<void> {
    const groupIds = Object.keys(GROUPS)
    const ask = { groupIds, includeAuthorizedOperations: false }
    const { groups } = await this.#host.settle(this.#broker.ask(ConsumerGroupDescribe, 1, ask))
    for (const { groupId, members } of groups) {
      const owned = members.flatMap(({ assignment }) => assignment.topicPartitions.flatMap((each) => each.partitions))
      check(new Set(owned).size === owned.length, `${groupId}: a partition has two owners: ${owned.join(' ')}`)
    }
  }

  /** After the last fault: within two minutes every member must work and every partition be assigned. */
  async #comeToRest(): Promise<void> {
    for (const actor of this.#actors) actor.sleepsUntilMs = 0
    for (let second = 0; second < 120; second++) {
      for (let i = 0; i < 4; i++) await this.#pass(250)
      await this.#look()
      if (second > 2 * (SESSION_MS / 1000) && this.#isAtRest()) return
    }
    const members = this.#actors.map(({ member }) => `${member.isSettled}:${[...member.positions.keys()].join('/')}`)
    check(false, `not all work after two minutes: ${members.join(' ')}`)
  }

  #isAtRest(): boolean {
    return (Object.keys(GROUPS) as GroupId[]).every((groupId) => {
      const members = this.#actors.filter((actor) => actor.groupId === groupId).map(({ member }) => member)
      const owned = members.flatMap(({ positions }) => [...positions.keys()])
      return (
        members.every(({ isSettled }) => isSettled) && owned.length === PARTITIONS && new Set(owned).size === PARTITIONS
      )
    })
  }

  /** All responses about groups, as text. */
  async #described(): Promise<string> {
    const ask = this.#broker.ask.bind(this.#broker)
    const settle = <T>(answer: Promise<T>) => this.#host.settle(answer)
    const groupIds = Object.keys(GROUPS)
    const listed = await settle(ask(ListGroups, 5, { statesFilter: [], typesFilter: [] }))
    const classic = await settle(ask(DescribeGroups, 6, { groups: groupIds, includeAuthorizedOperations: false }))
    const consumer = await settle(ask(ConsumerGroupDescribe, 1, { groupIds, includeAuthorizedOperations: false }))
    const groups = groupIds.map((groupId) => ({ groupId, memberId: null, memberEpoch: -1, topics: null }))
    const offsets = await settle(ask(OffsetFetch, 9, { groupId: '', topics: [], groups, requireStable: true }))
    return JSON.stringify([listed.groups, classic.groups, consumer.groups, offsets.groups].map(sorted))
  }
}

/** Sorts arrays, whose order the protocol does not define. */
function sorted(value: unknown): unknown {
  if (Buffer.isBuffer(value)) return value.toString('hex')
  if (Array.isArray(value)) return value.map(sorted).sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, sorted(each)]))
}
