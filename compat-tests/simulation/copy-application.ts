import { Fetch } from '../../protocol/apis/fetch.ts'
import { OffsetFetch } from '../../protocol/apis/offset-fetch.ts'
import { errorName } from '../../protocol/error-codes.ts'
import { batchesOf } from '../../protocol/records/record-batch.ts'
import { ZERO_UUID } from '../../protocol/schema.ts'
import { INPUT } from './all-topics.ts'
import type { PartitionHistory } from './broker-model.ts'
import { ClusterClient, isRoutingError } from './cluster-client.ts'
import { CoordinatorClient } from './coordinator-client.ts'
import { CopyMember } from './copy-member.ts'
import { answerOf, Refused, untilAnswered } from './patient-requests.ts'
import { check } from './storage-model.ts'
import { NO_MEMBER, type Scheme, TransactionProducer } from './transaction-producer.ts'
import { FETCH_VERSIONS } from './transaction-reader.ts'
import type { TransactionWorld } from './transaction-world.ts'
import { Turns } from './turns.ts'

/** Most input records of one transaction. */
const MOST_RECORDS = 5
/** One transaction in so many is aborted on purpose. */
const COMMITS_PER_ABORT = 6

/** An application that copies the input in transactions, whichever instance of it runs. */
export interface Copy {
  readonly transactionalId: string
  readonly groupId: string
  readonly scheme: Scheme
  readonly timeoutMs: number
  /** It commits as the only member of a classic group. */
  readonly isMember: boolean
}

/** What an input record is copied to: some to several partitions. */
export function copiesOf(
  { transactionalId }: Copy,
  { index, offset }: { readonly index: number; readonly offset: number },
  outputs: readonly PartitionHistory[],
): { readonly copyOf: string; readonly partition: PartitionHistory }[] {
  const count = 1 + (offset % 3)
  return Array.from({ length: count }, (_, i) => ({
    copyOf: `${transactionalId} ${index} ${offset} ${i}`,
    partition: outputs[(offset + i) % outputs.length]!,
  }))
}

/** One instance of an application, from its start to its crash. It never ends by itself, unless it is a zombie. */
export class CopyInstance {
  readonly copy: Copy
  readonly turns: Turns
  readonly producer: TransactionProducer
  /** Virtual time until which it does nothing. */
  sleepsUntilMs = 0
  /** Another instance has been started in its place: a refusal ends it. */
  isReplaced = false
  isEnded = false
  /** It sleeps no more. */
  isEnding = false
  readonly #world: TransactionWorld
  readonly #group: CoordinatorClient
  readonly #member: CopyMember | undefined
  readonly #client: ClusterClient
  readonly #fetchVersion: number
  /** Offset of the next input record, by partition. */
  #positions = new Map<number, number>()

  constructor(world: TransactionWorld, copy: Copy, name: string) {
    const { transactionalId, scheme, timeoutMs, groupId } = copy
    this.#world = world
    this.copy = copy
    this.turns = new Turns(world.random)
    this.producer = new TransactionProducer(world, this.turns, { transactionalId, name, scheme, timeoutMs })
    this.#group = new CoordinatorClient(world.broker, groupId, name)
    this.#member = copy.isMember ? new CopyMember(world, this.turns, groupId, this.#group) : undefined
    this.#client = new ClusterClient(world.broker, name)
    this.#fetchVersion = world.random.pick(FETCH_VERSIONS)
  }

  /** Whether it has copied this much. */
  isAt(partition: number, offset: number): boolean {
    return (this.#world.ledger.offsetsOf(this.copy.transactionalId).get(partition) ?? 0) >= offset
  }

  async run(): Promise<void> {
    while (!this.isReplaced) {
      try {
        await this.#live()
      } catch (error) {
        if (!(error instanceof Refused)) throw error
        this.#world.counts.refusedProducers++
      }
      if (!this.isReplaced) await this.turns.next()
    }
    this.isEnded = true
  }

  /** Copies until it is refused. */
  async #live(): Promise<never> {
    const { random } = this.#world
    await this.#member?.join()
    if (random.oneIn(2)) await this.#lookAtOffsets()
    await this.producer.init()
    await this.#findPositions()
    for (;;) {
      await this.turns.maybe()
      await this.#member?.beat()
      const records = await this.#read()
      if (records.length === 0) {
        await this.turns.next()
        continue
      }
      await this.#copyInTransaction(records)
      // Like a consumer that goes back to the committed offset.
      if (random.oneIn(4)) await this.#lookAtOffsets()
      // The next epoch of its own id: nobody else can have committed.
      if (random.oneIn(12)) await this.producer.init({ keepsId: true })
    }
  }

  /** Finds how far the application has come. Nobody else can commit any more. */
  async #findPositions(): Promise<void> {
    const { ledger } = this.#world
    const { transactionalId } = this.copy
    let unresolved = ledger.unresolved(transactionalId)
    const offsets = await this.#fetchOffsets(() => {
      unresolved = ledger.unresolved(transactionalId)
    })
    // Another instance may have taken over while the answer was under way.
    if (!this.producer.instance.isFenced) ledger.sawOffsets(transactionalId, offsets, unresolved)
    this.#positions = new Map(offsets)
  }

  /** Looks while this or another instance may still commit. */
  async #lookAtOffsets(): Promise<void> {
    const { ledger } = this.#world
    const { transactionalId } = this.copy
    let known = ledger.offsetsOf(transactionalId)
    const offsets = await this.#fetchOffsets(() => {
      known = ledger.offsetsOf(transactionalId)
    })
    ledger.sawLaterOffsets(transactionalId, offsets, known)
  }

  /** The committed offsets of the input, none of them pending. sending: called at each request. */
  async #fetchOffsets(sending: () => void): Promise<ReadonlyMap<number, number>> {
    const { topics, counts } = this.#world
    const { groupId } = this.copy
    const partitionIndexes = topics.input.partitions.map(({ index }) => index)
    const groups = [{ groupId, topics: [{ name: INPUT, topicId: ZERO_UUID, partitionIndexes }] }]
    const answer = await untilAnswered(
      this.turns,
      this.#group,
      () => {
        sending()
        return this.#group.ask(OffsetFetch, 9, { groupId: '', topics: [], groups, requireStable: true })
      },
      ({ groups: [group] }) => {
        const partitions = group!.topics.flatMap((each) => [...each.partitions])
        const errors = [group!.errorCode, ...partitions.map(({ errorCode }) => errorCode)].map(errorName)
        const error = errors.find((each) => each !== 'NONE') ?? 'NONE'
        if (error === 'UNSTABLE_OFFSET_COMMIT') counts.unstable++
        return error
      },
    )
    const { partitions } = answer.groups[0]!.topics[0]!
    return new Map(partitions.map((each) => [each.partitionIndex, Math.max(0, each.committedOffset)]))
  }

  /** Offsets of the next records, by partition. */
  async #read(): Promise<{ readonly index: number; readonly offset: number }[]> {
    const { random, topics } = this.#world
    await answerOf(() => this.#client.refresh())
    const partition = random.pick(topics.input.partitions)
    const nodeId = this.#client.leaderOf(partition)
    if (nodeId === undefined) this.#client.lost()
    if (nodeId === undefined) return []
    const fetchOffset = this.#positions.get(partition.index)!
    const wanted = { partition: partition.index, fetchOffset, partitionMaxBytes: random.pick([1, 5000]) }
    const answer = await answerOf(() =>
      this.#client.at(nodeId).ask(Fetch, this.#fetchVersion, {
        maxWaitMs: random.pick([0, 50]),
        minBytes: 1,
        isolationLevel: 1,
        topics: [{ topic: INPUT, topicId: topics.input.id, partitions: [wanted] }],
        forgottenTopicsData: [],
      }),
    )
    if (answer === undefined) this.#client.lost()
    const found = answer?.value.responses[0]?.partitions[0]
    if (found === undefined) return []
    const error = errorName(found.errorCode)
    if (error !== 'NONE') {
      this.#client.lost()
      check(isRoutingError(error) || this.#world.isFailing, `${partition.name} cannot be read: ${error}`)
      return []
    }
    const { batches } = batchesOf(Buffer.concat(found.records as Buffer[]))
    const most = 1 + random.below(MOST_RECORDS)
    const end = Math.min(batches.at(-1)?.nextOffset ?? fetchOffset, fetchOffset + most)
    return Array.from({ length: end - fetchOffset }, (_, i) => ({ index: partition.index, offset: fetchOffset + i }))
  }

  async #copyInTransaction(records: readonly { readonly index: number; readonly offset: number }[]): Promise<void> {
    const { random, ledger, topics } = this.#world
    const attempt = this.producer.begin()
    const positions = new Map(this.#positions)
    let inputs = records
    do {
      const copies = inputs.flatMap((record) => copiesOf(this.copy, record, topics.outputs))
      const written = copies.map(({ copyOf, partition }) => ledger.write(partition, attempt, copyOf))
      if (!(await this.producer.send(written))) return this.producer.giveUp()
      for (const { index, offset } of inputs) positions.set(index, offset + 1)
      this.#sleep()
      const before = this.#positions
      this.#positions = positions
      // Sometimes it reads on in the same transaction.
      inputs = random.oneIn(3) ? await this.#read() : []
      this.#positions = before
    } while (inputs.length > 0)
    const moved = new Map([...positions].filter(([index, offset]) => this.#positions.get(index) !== offset))
    const groupOf = { groupId: this.copy.groupId, client: this.#group, member: () => this.#member?.claim ?? NO_MEMBER }
    try {
      await this.producer.commitOffsets(groupOf, INPUT, moved)
    } catch (error) {
      // A member that was removed aborts and joins again.
      if (error instanceof Refused && this.#member?.forgets(error.error)) await this.producer.end('abort')
      throw error
    }
    this.#sleep()
    if (random.oneIn(COMMITS_PER_ABORT)) return this.producer.end('abort')
    await this.producer.end('commit')
    this.#positions = positions
  }

  /** Sometimes it sleeps, and sometimes too long for its transaction. */
  #sleep(): void {
    const { random, host, counts } = this.#world
    if (!random.oneIn(25) || this.isEnding) return
    const isLong = random.oneIn(2)
    if (isLong) counts.longSleeps++
    this.sleepsUntilMs = host.clock.monotonicMs() + (isLong ? 2 * this.copy.timeoutMs : random.below(5000))
  }
}
