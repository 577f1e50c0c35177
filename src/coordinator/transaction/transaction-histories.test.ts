import { expect } from 'chai'
import fc from 'fast-check'
import type { ErrorName } from '../../../protocol/error-codes.ts'
import { compacted } from '../compacted-records.fixture.ts'
import type { LoadedRecord } from '../state-log.ts'
import { TransactionWorld, type WrittenMarker } from '../transaction-world.fixture.ts'
import type { Producer } from './transitions.ts'

const ids = ['a', 'b', 'c']
const MINUTE_MS = 60_000
const PARTITIONS = 3

/** Events for transactional ids. Each has two instances of its application, of which the older is a zombie. */
type Step =
  | { readonly kind: 'initialize'; readonly id: string; readonly instance: number; readonly resumes: boolean }
  | { readonly kind: 'add'; readonly id: string; readonly instance: number; readonly partition: number }
  | { readonly kind: 'end'; readonly id: string; readonly instance: number; readonly result: 'commit' | 'abort' }
  | { readonly kind: 'repeat end'; readonly id: string; readonly instance: number }
  | { readonly kind: 'leader'; readonly partition: number; readonly isThere: boolean }
  | { readonly kind: 'feature'; readonly level: number }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'restart' }
  | { readonly kind: 'lose' }

const id = fc.constantFrom(...ids)
const instance = fc.integer({ min: 0, max: 1 })
const partition = fc.integer({ min: 0, max: PARTITIONS - 1 })
const result = fc.constantFrom('commit' as const, 'abort' as const)
function kind<K extends string>(name: K) {
  return fc.constant(name)
}
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: kind('initialize'), id, instance, resumes: fc.boolean() }) },
  { weight: 8, arbitrary: fc.record({ kind: kind('add'), id, instance, partition }) },
  { weight: 6, arbitrary: fc.record({ kind: kind('end'), id, instance, result }) },
  { weight: 3, arbitrary: fc.record({ kind: kind('repeat end'), id, instance }) },
  { weight: 2, arbitrary: fc.record({ kind: kind('leader'), partition, isThere: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: kind('feature'), level: fc.integer({ min: 1, max: 2 }) }) },
  { weight: 3, arbitrary: fc.record({ kind: kind('wait'), ms: fc.integer({ min: 1, max: 2 * MINUTE_MS }) }) },
  { weight: 2, arbitrary: fc.record({ kind: kind('restart') }) },
  { weight: 1, arbitrary: fc.record({ kind: kind('lose') }) },
)

/** One run of an application. It speaks KIP-890 if the cluster did when it began. */
interface Instance {
  producer: Producer
  readonly version: number
  /** Partitions that the coordinator added to its open transaction. */
  added: Set<number>
  lastEnd: { readonly producer: Producer; readonly result: 'commit' | 'abort' } | undefined
}

/** Records of one partition: writes of transactions, and their ends. */
interface Entry extends Producer {
  readonly id: string
  readonly end?: 'commit' | 'abort'
}

/** Carries out a history and checks what its clients, and the partitions that they write to, may expect. */
class TransactionHistory {
  readonly world: TransactionWorld
  /** Snapshots of the state by length of the log. */
  readonly snapshots = new Map<number, unknown>()
  readonly #instances = new Map<string, Instance>()
  readonly #partitions: Entry[][] = Array.from({ length: PARTITIONS }, () => [])
  readonly #leaderless = new Set<number>()
  /** Ends that clients were told, by transactional id, producer and partition: not yet seen in the partition. */
  readonly #promised: { readonly id: string; readonly partition: number; readonly entry: Entry }[] = []
  readonly #happened: Map<string, number>
  #level = 2

  /** happened: counts what the histories had, so that a test cannot pass without it. */
  constructor(world: TransactionWorld, happened: Map<string, number>) {
    this.world = world
    this.#happened = happened
    world.leaderAnswers = (marker) => this.#answer(marker)
  }

  #note(what: string): void {
    this.#happened.set(what, (this.#happened.get(what) ?? 0) + 1)
  }

  async take(each: Step): Promise<void> {
    const { world } = this
    switch (each.kind) {
      case 'wait':
        await world.host.advance(each.ms)
        break
      case 'restart':
        await world.restart()
        break
      case 'lose':
        await this.#loseAppend()
        break
      case 'feature':
        this.#level = each.level
        world.setFeatureLevel(each.level)
        break
      case 'leader':
        if (each.isThere) this.#leaderless.delete(each.partition)
        else this.#leaderless.add(each.partition)
        break
      default:
        await this.#request(each)
    }
    await world.host.advance(1)
    if (world.shard.current !== undefined) this.snapshots.set(world.log.records.length, snapshotOf(world))
  }

  /** All leaders come back, and every prepared transaction is completed. */
  async finish(): Promise<void> {
    this.#leaderless.clear()
    await this.world.host.advance(5 * MINUTE_MS)
    for (const { state } of this.world.state.all())
      expect(state).to.be.oneOf(['Empty', 'Ongoing', 'CompleteCommit', 'CompleteAbort'])
    expect(this.#promised, 'ends that no partition saw').to.deep.equal([])
    for (const entries of this.#partitions) expectWhole(entries)
  }

  /** The next append is lost, with all that was decided on it. */
  async #loseAppend(): Promise<void> {
    const { world } = this
    this.#note('lost')
    world.log.gate = Promise.reject(new Error('lost'))
    world.log.gate.catch(() => {})
    await world.host.settle(world.coordinator.initialize(initialization('lost', undefined)))
    world.log.gate = undefined
    await world.host.advance(2000)
  }

  async #request(each: Extract<Step, { readonly instance: number }>): Promise<void> {
    const key = `${each.id}${each.instance}`
    const known = this.#instances.get(key)
    if (each.kind === 'initialize') return this.#initialize(each.id, key, each.resumes ? known?.producer : undefined)
    if (known === undefined) return
    if (each.kind === 'add') return this.#add(each.id, known, each.partition)
    if (each.kind === 'end') return this.#end(each.id, known, each.result)
    if (known.lastEnd !== undefined) await this.#repeatEnd(each.id, known.lastEnd, known)
  }

  async #initialize(transactionalId: string, key: string, known: Producer | undefined): Promise<void> {
    const outcome = await this.world.initialize(transactionalId, known, MINUTE_MS)
    if (typeof outcome === 'string') return
    for (const other of this.#instances.values())
      if (other.producer.producerId === outcome.producerId)
        expect(outcome.producerEpoch, 'the epoch of a producer').to.be.at.least(other.producer.producerEpoch)
    this.#instances.set(key, { producer: outcome, version: this.#level, added: new Set(), lastEnd: undefined })
  }

  async #add(transactionalId: string, application: Instance, partitionIndex: number): Promise<void> {
    const { producer, version } = application
    const error = await this.world.add(transactionalId, producer, partitionIndex, version >= 2 ? 2 : 0)
    if (error === 'PRODUCER_FENCED') this.#note('fenced')
    if (error !== undefined) return
    application.added.add(partitionIndex)
    this.#partitions[partitionIndex]!.push({ id: transactionalId, ...producer })
  }

  async #end(transactionalId: string, application: Instance, outcome: 'commit' | 'abort'): Promise<void> {
    const { producer, version, added } = application
    const answer = await this.world.end(transactionalId, producer, outcome, version >= 2 ? 2 : 0)
    if (typeof answer === 'string') return
    if (added.size > 0) this.#note(outcome)
    application.lastEnd = { producer, result: outcome }
    const marked = version >= 2 ? { ...producer, producerEpoch: producer.producerEpoch + 1 } : producer
    for (const each of added) this.#promise(transactionalId, each, { id: transactionalId, ...marked, end: outcome })
    application.added = new Set()
    if (answer !== undefined) application.producer = answer
  }

  #promise(transactionalId: string, partitionIndex: number, entry: Entry): void {
    const written = this.#partitions[partitionIndex]!.findLast(({ id: of }) => of === transactionalId)
    if (written?.end === undefined) this.#promised.push({ id: transactionalId, partition: partitionIndex, entry })
    else expect(written, `the end of ${transactionalId} in partition ${partitionIndex}`).to.deep.equal(entry)
  }

  /** A client that got no answer asks again: it gets the same one, or learns that it is fenced. */
  async #repeatEnd(
    transactionalId: string,
    { producer, result: outcome }: NonNullable<Instance['lastEnd']>,
    application: Instance,
  ): Promise<void> {
    if (application.version < 2) return
    const answer = await this.world.end(transactionalId, producer, outcome, 2)
    if (typeof answer !== 'object') return
    this.#note('repeated end')
    expect(answer, 'the answer to a repeated end').to.deep.equal(application.producer)
  }

  #answer({ topic, partition: index, producerId, producerEpoch, result: end }: WrittenMarker): ErrorName | undefined {
    if (this.#leaderless.has(index)) return index === 0 ? undefined : 'NOT_LEADER_OR_FOLLOWER'
    expect(topic).to.equal('t')
    const entries = this.#partitions[index]!
    const open = entries.findLast((entry) => entry.producerId === producerId)
    const transactionalId = open?.id ?? ''
    // Written again after a restart: it changes nothing.
    if (open?.end !== undefined && open.producerEpoch === producerEpoch) {
      expect(end, 'a marker written again').to.equal(open.end)
      this.#note('marker again')
      return 'NONE'
    }
    const entry: Entry = { id: transactionalId, producerId, producerEpoch, end }
    const promised = this.#promised.findIndex((each) => each.id === transactionalId && each.partition === index)
    if (promised >= 0) expect(entry).to.deep.equal(this.#promised.splice(promised, 1)[0]!.entry)
    entries.push(entry)
    return 'NONE'
  }
}

/** Between two writes of different epochs of a producer stands the end of the first. */
function expectWhole(entries: readonly Entry[]): void {
  const open = new Map<string, Entry>()
  for (const entry of entries) {
    const before = open.get(entry.id)
    if (entry.end !== undefined) open.delete(entry.id)
    else {
      if (before !== undefined) expect(entry, 'a write in the transaction of another producer').to.deep.equal(before)
      open.set(entry.id, entry)
    }
  }
}

function initialization(transactionalId: string, known: Producer | undefined) {
  const producer = known ?? { producerId: -1, producerEpoch: -1 }
  return { transactionalId, transactionTimeoutMs: MINUTE_MS, ...producer, enable2Pc: false, keepPreparedTxn: false }
}

/** What the log keeps: all but the last epoch, which is in memory only, as in Kafka. */
function snapshotOf(world: TransactionWorld): unknown {
  const all = [...world.state.all()].map(({ lastProducerEpoch: _, partitions, ...rest }) => ({
    ...rest,
    partitions: [...partitions].map(([topic, indexes]) => [topic, [...indexes].sort()]),
  }))
  return all.sort((a, b) => (a.transactionalId < b.transactionalId ? -1 : 1))
}

async function replayed(records: readonly LoadedRecord[]): Promise<unknown> {
  const copy = new TransactionWorld()
  copy.leaderAnswers = () => undefined
  copy.log.records.push(...records)
  await copy.coordinator.start()
  return snapshotOf(copy)
}

describe('histories of transactions', () => {
  it('keep every promise to clients, and replay from any cut of the log', async function () {
    this.timeout(120_000)
    const happened = new Map<string, number>()
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 30, maxLength: 80, size: 'max' }), async (steps) => {
        const world = await TransactionWorld.started()
        const history = new TransactionHistory(world, happened)
        for (const each of steps) await history.take(each)
        await history.finish()
        for (const [length, known] of history.snapshots) {
          const records = world.log.records.slice(0, length)
          expect(await replayed(records), `replay of ${length} records`).to.deep.equal(known)
          const cut = (length * 7919) % (length + 1)
          for (const tombstones of ['kept', 'dropped'] as const)
            expect(await replayed(compacted(records, cut, tombstones)), `${cut} compacted`).to.deep.equal(known)
        }
      }),
      { numRuns: 200 },
    )
    for (const what of ['commit', 'abort', 'fenced', 'marker again', 'lost', 'repeated end'])
      expect(happened.get(what) ?? 0, what).to.be.greaterThan(10)
  })
})
