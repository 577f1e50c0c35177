import { expect } from 'chai'
import fc from 'fast-check'
import { ConsumerClient, settleGroup } from '../consumer-client.fixture.ts'
import { snapshotOf } from '../group-snapshot.fixture.ts'
import { ClassicClient, GroupWorld, topicIdOf } from '../group-world.fixture.ts'
import { expectSameAfterReplay } from '../replayed.fixture.ts'
import type { ConsumerGroup } from './consumer/consumer-group.ts'

const topics = ['t', 'u', 'v']
const partitionCount = 5

/** Events in a group of the consumer protocol. Clients are numbered. */
type Step =
  | {
      readonly kind: 'beat' | 'apply' | 'leave' | 'leave for a while' | 'lost' | 'commit'
      readonly who: number
    }
  | { readonly kind: 'subscribe'; readonly who: number; readonly topics: readonly string[] }
  | { readonly kind: 'regex'; readonly who: number; readonly regex: string }
  | { readonly kind: 'topic'; readonly topic: string; readonly count: number }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'restart' }

const who = fc.integer({ min: 0, max: 3 })
const someTopics = fc.subarray(topics, { minLength: 1 })
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ kind: fc.constantFrom('beat' as const, 'apply' as const), who }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('leave' as const, 'leave for a while' as const), who }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('lost' as const, 'commit' as const), who }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('subscribe' as const), who, topics: someTopics }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('regex' as const), who, regex: fc.constantFrom('t.*', '[uv]', '') }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('topic' as const),
      topic: fc.constantFrom(...topics),
      count: fc.integer({ min: 0, max: 8 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 50_000 }) }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'restart' as const }) },
)

/** Clients of one history and the invariants after each step. */
class History {
  readonly world: GroupWorld
  readonly clients: ConsumerClient[]
  /** Snapshots of the shard by length of the log. */
  readonly snapshots = new Map<number, unknown>()
  #generation = 0

  constructor(world: GroupWorld) {
    this.world = world
    this.clients = [0, 1, 2, 3].map((number) => this.#client(number))
  }

  #client(number: number): ConsumerClient {
    const instanceId = number === 0 ? 'static' : null
    const assignor = number % 2 === 0 ? 'range' : null
    const name = `m${number}-${this.#generation++}`
    return new ConsumerClient(this.world, 'g', name, { topics: [...topics], instanceId, assignor })
  }

  async take(step: Step): Promise<void> {
    if (step.kind === 'wait') await this.world.host.advance(step.ms)
    else if (step.kind === 'restart') await this.world.restart()
    else if (step.kind === 'topic') this.#setTopic(step.topic, step.count)
    else await this.#act(step, this.clients[step.who]!)
    await this.world.host.advance(0)
    this.#check()
  }

  /** A topic that is created again has another id, as in Kafka: partitions of one id never become fewer. */
  #setTopic(topic: string, count: number): void {
    const before = this.world.image.topicsByName.get(topic)
    const id = before?.id ?? topicIdOf(`${topic}${this.#generation++}`)
    if (count === 0 || count > (before?.partitions.length ?? 0)) this.world.setTopic(topic, count, id)
  }

  async #act(step: Step & { readonly who: number }, client: ConsumerClient): Promise<void> {
    const settle = <T>(work: Promise<T>) => this.world.host.settle(work)
    const isMember = client.memberEpoch > 0
    if (step.kind === 'apply') client.applyAssignment()
    else if (step.kind === 'beat') await settle(client.beat())
    else if (step.kind === 'leave' && isMember) await settle(client.leave())
    else if (step.kind === 'leave for a while' && client.instanceId !== null && isMember) await settle(client.leave(-2))
    // The process crashes; a new one replaces it.
    else if (step.kind === 'lost') this.clients[step.who] = this.#client(step.who)
    else if (step.kind === 'subscribe') await this.#subscribe(client, { topics: [...step.topics] })
    else if (step.kind === 'regex') await this.#subscribe(client, { regex: step.regex })
    else if (step.kind === 'commit') {
      const tool = new ClassicClient(this.world, 'other', 'tool')
      await settle(tool.commit('t', step.who, step.who))
    }
  }

  async #subscribe(client: ConsumerClient, change: { topics?: string[]; regex?: string }): Promise<void> {
    Object.assign(client, change)
    if (client.memberEpoch === 0) return
    const { topics: subscribedTopicNames = null, regex: subscribedTopicRegex = null } = change
    await this.world.host.settle(client.beat({ subscribedTopicNames, subscribedTopicRegex }))
  }

  #check(): void {
    const { log, state } = this.world
    this.snapshots.set(log.records.length, snapshotOf(state))
    const group = state.groups.consumer('g')
    if (group === undefined) return
    expectOneOwner(group)
    // No client works on a partition that is assigned to another.
    const working = new Map<string, string>()
    for (const client of this.clients) {
      if (client.memberEpoch === 0 || !group.members.has(client.memberId)) continue
      for (const [topicId, partitions] of client.owned) {
        for (const partition of partitions) {
          const key = `${topicId}-${partition}`
          expect(working.get(key), `${key} is worked on twice`).to.equal(undefined)
          working.set(key, client.memberId)
        }
      }
    }
  }
}

/** Each partition belongs to at most one member, including partitions pending revocation; no target names one twice. */
function expectOneOwner(group: ConsumerGroup): void {
  const owners = new Map<string, string>()
  for (const { memberId, assigned, pendingRevocation } of group.members.values()) {
    for (const partitions of [assigned, pendingRevocation]) {
      for (const [topicId, each] of partitions) {
        for (const partition of each.keys()) {
          const key = `${topicId}-${partition}`
          expect(owners.get(key), `${key} has two owners`).to.equal(undefined)
          owners.set(key, memberId)
        }
      }
    }
  }
  const targets = [...group.target.values()].flatMap((target) =>
    [...target].flatMap(([topicId, each]) => [...each].map((partition) => `${topicId}-${partition}`)),
  )
  expect(new Set(targets).size).to.equal(targets.length)
}

describe('whatever happens to a consumer group', () => {
  it('every partition has at most one owner, the log restores each state, and all members settle', async function () {
    this.timeout(120_000)
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 5, maxLength: 60 }),
        fc.integer({ min: 1, max: 1e6 }),
        async (steps, seed) => {
          const world = await GroupWorld.started({}, seed)
          for (const topic of topics) world.setTopic(topic, partitionCount)
          const history = new History(world)
          for (const each of steps) await history.take(each)
          await expectSameAfterReplay(world, history.snapshots)
          // Members that are gone time out; the others end with all subscribed partitions assigned.
          for (const client of history.clients) client.applyAssignment()
          for (let i = 0; i < 12; i++) {
            await world.host.advance(5000)
            for (const client of history.clients) {
              await world.host.settle(client.beat())
              client.applyAssignment()
            }
          }
          await settleGroup(world, history.clients)
          expectShared(world, history.clients)
        },
      ),
      { numRuns: 60 },
    )
  })
})

/** Each subscribed partition is assigned to one of its subscribers. */
function expectShared(world: GroupWorld, clients: readonly ConsumerClient[]): void {
  const group = world.state.groups.consumer('g')!
  expect(group.stateName).to.equal('Stable')
  const working = new Map<string, number>()
  for (const client of clients) {
    for (const [topicId, each] of client.owned) {
      for (const partition of each) {
        const key = `${topicId}-${partition}`
        working.set(key, (working.get(key) ?? 0) + 1)
      }
    }
  }
  for (const topic of group.subscriptions.topics()) {
    const { id, partitions } = world.image.topicsByName.get(topic) ?? { id: '', partitions: [] }
    for (const partition of partitions.keys()) {
      expect(working.get(`${id}-${partition}`), `${topic}-${partition}`).to.equal(1)
    }
  }
}
