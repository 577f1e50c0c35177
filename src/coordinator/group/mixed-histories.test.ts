import { expect } from 'chai'
import fc from 'fast-check'
import { ClassicConsumer } from '../classic-consumer.fixture.ts'
import { ConsumerClient } from '../consumer-client.fixture.ts'
import { snapshotOf } from '../group-snapshot.fixture.ts'
import { GroupWorld, topicIdOf } from '../group-world.fixture.ts'
import { expectSameAfterReplay } from '../replayed.fixture.ts'
import type { ClassicGroup } from './classic/classic-group.ts'

const partitionCount = 6

/** Events in a group with consumers of both protocols. Classic consumers have the lower numbers. */
type Step =
  | { readonly kind: 'act' | 'leave' | 'lost'; readonly who: number }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'restart' }

const step = (clients: number): fc.Arbitrary<Step> => {
  const who = fc.integer({ min: 0, max: clients - 1 })
  return fc.oneof(
    { weight: 16, arbitrary: fc.record({ kind: fc.constant('act' as const), who }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('leave' as const, 'lost' as const), who }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 4000 }) }) },
    { weight: 1, arbitrary: fc.constant({ kind: 'restart' as const }) },
  )
}

class MixedHistory {
  readonly world: GroupWorld
  readonly clients: (ClassicConsumer | ConsumerClient)[]
  readonly snapshots = new Map<number, unknown>()
  readonly #classicCount: number
  #made = 0

  constructor(world: GroupWorld, classicCount: number, consumerCount: number) {
    this.world = world
    this.#classicCount = classicCount
    this.clients = Array.from({ length: classicCount + consumerCount }, (_, number) => this.#client(number))
  }

  #client(number: number): ClassicConsumer | ConsumerClient {
    const name = `m${number}-${this.#made++}`
    if (number < this.#classicCount) return new ClassicConsumer(this.world, 'g', name, 't', partitionCount)
    return new ConsumerClient(this.world, 'g', name, { topics: ['t'] })
  }

  async take(step: Step): Promise<void> {
    if (step.kind === 'wait') await this.world.host.advance(step.ms)
    else if (step.kind === 'restart') await this.world.restart()
    else if (step.kind === 'lost') this.clients[step.who] = this.#client(step.who)
    else if (step.kind === 'act') await this.#act(this.clients[step.who]!)
    else await this.#leave(this.clients[step.who]!)
    await this.world.host.advance(1)
    this.#check()
  }

  async #act(client: ClassicConsumer | ConsumerClient): Promise<void> {
    if (client instanceof ClassicConsumer) client.act()
    else {
      client.applyAssignment()
      await this.world.host.settle(client.beat())
    }
  }

  async #leave(client: ClassicConsumer | ConsumerClient): Promise<void> {
    if (client instanceof ClassicConsumer) await this.world.host.settle(client.leave())
    else if (client.memberEpoch > 0) await this.world.host.settle(client.leave())
  }

  /**
   * Advances the clock while all clients follow the protocol, until all have partitions and nothing changes; fails if
   * that never happens.
   */
  async settle(): Promise<void> {
    for (let second = 0; second < 120; second++) {
      await this.world.host.advance(1000)
      for (const client of this.clients) await this.#act(client)
      await this.world.host.advance(1)
      this.#check()
      if (second > 60 && this.#allShared()) return
    }
    expect.fail(`not everything is worked on: ${JSON.stringify(this.clients.map((client) => partitionsOf(client)))}`)
  }

  #allShared(): boolean {
    const shared = this.clients.flatMap((client) => partitionsOf(client) ?? []).sort()
    return shared.length === partitionCount && this.clients.every((client) => partitionsOf(client) !== undefined)
  }

  #check(): void {
    const { log, state } = this.world
    this.snapshots.set(log.records.length, snapshotOf(state))
    const group = state.groups.get('g')
    const working = new Map<number, string>()
    for (const client of this.clients) {
      const member = group?.members.get(client instanceof ClassicConsumer ? client.client.memberId : client.memberId)
      if (member === undefined) continue
      // A member of an older generation learns from its next heartbeat that it has lost its partitions.
      const generationId = 'memberEpoch' in member ? member.memberEpoch : (group as ClassicGroup).generationId
      const isOld = client instanceof ClassicConsumer && client.client.generationId !== generationId
      if (isOld) continue
      for (const partition of partitionsOf(client) ?? []) {
        expect(working.get(partition), `partition ${partition} is worked on twice`).to.equal(undefined)
        working.set(partition, member.memberId)
      }
    }
  }
}

/** Undefined if it is not a member. */
function partitionsOf(client: ClassicConsumer | ConsumerClient): readonly number[] | undefined {
  if (client instanceof ClassicConsumer) return client.owned
  return client.memberEpoch === 0 ? undefined : client.partitions(topicIdOf('t'))
}

/** The log holds a classic group's last generation; later changes are only in memory. */
function isComparable(snapshot: unknown): boolean {
  const { groups } = snapshot as { groups: { kind: string; members?: unknown }[] }
  return groups.every(({ kind, members }) => kind === 'consumer' || members !== undefined)
}

function property(classicCount: number, consumerCount: number) {
  const steps = fc.array(step(classicCount + consumerCount), { minLength: 5, maxLength: 80 })
  return fc.asyncProperty(steps, fc.integer({ min: 1, max: 1e6 }), async (taken, seed) => {
    const world = await GroupWorld.started({ 'group.consumer.assignment.interval.ms': '0' }, seed)
    world.setTopic('t', partitionCount)
    const history = new MixedHistory(world, classicCount, consumerCount)
    for (const each of taken) await history.take(each)
    await history.settle()
    await expectSameAfterReplay(world, new Map([...history.snapshots].filter(([, snapshot]) => isComparable(snapshot))))
  })
}

describe('whatever happens to a group with classic members', () => {
  for (const [classicCount, consumerCount] of [
    [3, 0],
    [2, 2],
    [1, 1],
  ] as const) {
    it(`no two of one generation share a partition, and all end with one (${classicCount} classic, ${consumerCount} new)`, async function () {
      this.timeout(120_000)
      await fc.assert(property(classicCount, consumerCount), { numRuns: 25 })
    })
  }
})
