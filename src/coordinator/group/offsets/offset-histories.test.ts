import { expect } from 'chai'
import fc from 'fast-check'
import { errorCode, isRejection } from '../../../../protocol/error-codes.ts'
import { snapshotOf } from '../../group-snapshot.fixture.ts'
import { ClassicClient, GroupWorld, topicIdOf } from '../../group-world.fixture.ts'
import { expectSameAfterReplay } from '../../replayed.fixture.ts'

const MINUTE_MS = 60_000
const RETENTION_MS = 60 * MINUTE_MS
/** Interval between two checks for expired offsets. */
const CHECK_INTERVAL_MS = 10 * MINUTE_MS
const groups = ['g', 'h']
const topics = ['t', 'u']
const NOTHING = -1
const UNSTABLE = 'unstable'

interface Place {
  readonly group: string
  readonly topic: string
  readonly partition: number
}

/** Events for the offsets of groups without members. Producers are numbered. */
type Step =
  | { readonly kind: 'commit'; readonly at: Place }
  | { readonly kind: 'delete offset'; readonly at: Place }
  | { readonly kind: 'commit in transaction'; readonly at: Place; readonly producerId: number }
  | { readonly kind: 'end'; readonly producerId: number; readonly result: 'commit' | 'abort' }
  | { readonly kind: 'delete group'; readonly group: string }
  | { readonly kind: 'topic'; readonly topic: string; readonly isThere: boolean }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'restart' }

const group = fc.constantFrom(...groups)
const topic = fc.constantFrom(...topics)
const at = fc.record({ group, topic, partition: fc.integer({ min: 0, max: 1 }) })
const producerId = fc.integer({ min: 1, max: 3 })
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('commit' as const), at }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('commit in transaction' as const), at, producerId }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('end' as const),
      producerId,
      result: fc.constantFrom('commit' as const, 'abort' as const),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('delete offset' as const), at }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('delete group' as const), group }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('topic' as const), topic, isThere: fc.boolean() }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 40 * MINUTE_MS }) }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'restart' as const }) },
)

interface Committed {
  readonly offset: number
  readonly atMs: number
}

/** Expected offsets by the responses clients got: only maps, no log. */
class Expected {
  readonly committed = new Map<string, Committed>()
  readonly pending = new Map<number, Map<string, Committed>>()

  isOpen(key: string): boolean {
    return [...this.pending.values()].some((offsets) => offsets.has(key))
  }

  end(producer: number, result: 'commit' | 'abort'): void {
    for (const [key, offset] of this.pending.get(producer) ?? []) {
      const before = this.committed.get(key)
      // Offsets only increase here: the commit sent later wins, whenever its transaction ended.
      if (result === 'commit' && (before === undefined || before.offset < offset.offset))
        this.committed.set(key, offset)
    }
    this.pending.delete(producer)
  }

  forget(isMeant: (key: string) => boolean): void {
    for (const offsets of [this.committed, ...this.pending.values()]) {
      for (const key of [...offsets.keys()]) if (isMeant(key)) offsets.delete(key)
    }
  }
}

class OffsetHistory {
  readonly world: GroupWorld
  readonly snapshots = new Map<number, unknown>()
  readonly #expected = new Expected()
  #offset = 0

  constructor(world: GroupWorld) {
    this.world = world
  }

  async take(each: Step): Promise<void> {
    const { world } = this
    if (each.kind === 'wait') await world.host.advance(each.ms)
    else if (each.kind === 'restart') await world.restart()
    else await world.host.settle(this.#carryOut(each))
    await world.host.advance(1)
    await this.#check()
  }

  async #carryOut(each: Exclude<Step, { kind: 'wait' | 'restart' }>): Promise<void> {
    const { world } = this
    const expected = this.#expected
    if (each.kind === 'topic') return this.#setTopic(each.topic, each.isThere)
    if (each.kind === 'end') {
      const end = {
        producerId: each.producerId,
        producerEpoch: 0,
        coordinatorEpoch: 0,
        transactionVersion: 0,
        result: each.result,
      }
      await world.coordinator.endTransaction(0, end)
      return expected.end(each.producerId, each.result)
    }
    if (each.kind === 'delete group') return this.#deleteGroup(each.group)
    if (each.kind === 'delete offset') return this.#deleteOffset(each.at)
    const committed = { offset: ++this.#offset, atMs: world.host.clock.nowMs() }
    const place = each.at
    if (each.kind === 'commit') {
      const tool = new ClassicClient(world, place.group, 'tool')
      expect(await tool.commit(place.topic, place.partition, committed.offset)).to.equal(0)
      expected.committed.set(keyOf(place), committed)
      return
    }
    const { producerId } = each
    await this.#commitInTransaction(place, producerId, committed.offset)
    const own = expected.pending.get(producerId) ?? new Map<string, Committed>()
    expected.pending.set(producerId, own.set(keyOf(place), committed))
  }

  #setTopic(name: string, isThere: boolean): void {
    const wasThere = this.world.image.topicsByName.has(name)
    if (wasThere === isThere) return
    this.world.setTopic(name, isThere ? 2 : 0)
    if (!isThere) this.#expected.forget((key) => key.split(' ')[1] === name)
  }

  async #deleteGroup(groupId: string): Promise<void> {
    const [outcome] = await this.world.coordinator.deleteGroups([groupId])
    expect(outcome!.errorCode).to.be.oneOf([0, errorCode('GROUP_ID_NOT_FOUND')])
    this.#expected.forget((key) => key.startsWith(`${groupId} `))
  }

  async #deleteOffset(place: Place): Promise<void> {
    const topicsToDelete = [{ name: place.topic, partitions: [{ partitionIndex: place.partition }] }]
    await this.world.coordinator.deleteOffsets({ groupId: place.group, topics: topicsToDelete })
    this.#expected.forget((key) => key === keyOf(place))
  }

  async #commitInTransaction(place: Place, producer: number, committedOffset: number): Promise<void> {
    const partition = { partitionIndex: place.partition, committedOffset, committedLeaderEpoch: -1 }
    const outcome = await this.world.coordinator.commitOffsetsInTransaction(
      {
        transactionalId: `tx-${producer}`,
        groupId: place.group,
        producerId: producer,
        producerEpoch: 0,
        generationIdOrMemberEpoch: -1,
        memberId: '',
        groupInstanceId: null,
        topics: [
          {
            name: place.topic,
            topicId: topicIdOf(place.topic),
            partitions: [{ ...partition, committedMetadata: null }],
          },
        ],
      },
      5,
    )
    if (isRejection(outcome)) throw new Error(outcome.error)
    expect(outcome[0]!.partitions[0]!.errorCode).to.equal(0)
  }

  async #check(): Promise<void> {
    this.snapshots.set(this.world.log.records.length, snapshotOf(this.world.state))
    for (const groupId of groups) {
      for (const name of topics) {
        for (const partition of [0, 1]) await this.#checkOne({ group: groupId, topic: name, partition })
      }
    }
  }

  async #checkOne(place: Place): Promise<void> {
    const key = keyOf(place)
    const expected = this.#expected
    const known = expected.committed.get(key)
    const found = await this.#fetch(place, false)
    const ageMs = known === undefined ? 0 : this.world.host.clock.nowMs() - known.atMs
    if (known !== undefined && found === NOTHING) {
      expect(ageMs, `${key} was dropped too early`).to.be.at.least(RETENTION_MS)
      expect(expected.isOpen(key), `${key} was dropped in a transaction`).to.equal(false)
      expected.committed.delete(key)
    } else {
      expect(found, key).to.equal(known?.offset ?? NOTHING)
    }
    const stable = expected.isOpen(key) ? UNSTABLE : (expected.committed.get(key)?.offset ?? NOTHING)
    expect(await this.#fetch(place, true), `${key}, stable`).to.equal(stable)
  }

  async #fetch(place: Place, requireStable: boolean): Promise<number | string> {
    const asked = { groupId: place.group, memberId: null, memberEpoch: -1 }
    const one = { name: place.topic, topicId: topicIdOf(place.topic), partitionIndexes: [place.partition] }
    const outcome = await this.world.coordinator.fetchOffsets({ ...asked, topics: [one] }, requireStable)
    if (isRejection(outcome)) throw new Error(outcome.error)
    const [partition] = outcome.topics[0]!.partitions
    return partition!.errorCode === errorCode('UNSTABLE_OFFSET_COMMIT') ? UNSTABLE : partition!.committedOffset
  }

  /** Ends all transactions, lets everything expire, and expects that no group is left. */
  async endAll(): Promise<void> {
    for (const producer of [1, 2, 3]) await this.take({ kind: 'end', producerId: producer, result: 'commit' })
    await this.take({ kind: 'wait', ms: RETENTION_MS + CHECK_INTERVAL_MS })
    expect(this.world.state.groups.size).to.equal(0)
    expect(await this.#fetch({ group: 'g', topic: 't', partition: 0 }, true)).to.equal(NOTHING)
  }
}

function keyOf(place: Place): string {
  return `${place.group} ${place.topic} ${place.partition}`
}

describe('whatever happens to committed offsets', () => {
  it('the last commit is returned, the log restores it, and all offsets expire in the end', async function () {
    this.timeout(120_000)
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 50 }), async (steps) => {
        const world = await GroupWorld.started({ 'offsets.retention.minutes': '60' })
        for (const name of topics) world.setTopic(name, 2)
        const history = new OffsetHistory(world)
        for (const each of steps) await history.take(each)
        await history.endAll()
        await expectSameAfterReplay(world, history.snapshots)
      }),
      { numRuns: 60 },
    )
  })
})
