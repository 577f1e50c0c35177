import { Fetch } from '../../protocol/apis/fetch.ts'
import { ListOffsets } from '../../protocol/apis/list-offsets.ts'
import { errorName } from '../../protocol/error-codes.ts'
import { mayBeGone } from './all-topics.ts'
import { EARLIEST, isRefusal } from './broker-consumer.ts'
import type { PartitionHistory } from './broker-model.ts'
import { ClusterClient, isRoutingError } from './cluster-client.ts'
import { answerOf } from './patient-requests.ts'
import { fetchTopics, forgottenTopics, ReadSessions } from './read-sessions.ts'
import { check } from './storage-model.ts'
import type { TransactionWorld } from './transaction-world.ts'
import type { Turns } from './turns.ts'

/** First version that identifies topics by id alone. */
const WITH_TOPIC_IDS = 13
export const FETCH_VERSIONS = [5, 6, 7, 11, 12, 13, 16, 17]

/** Errors of a topic that is gone. */
const gone: ReadonlySet<string> = new Set(['UNKNOWN_TOPIC_OR_PARTITION', 'UNKNOWN_TOPIC_ID', 'INCONSISTENT_TOPIC_ID'])

/** Reads all partitions from their start, again and again, and checks what it reads. */
export class TransactionReader {
  readonly #world: TransactionWorld
  readonly #client: ClusterClient
  readonly #version: number
  /** read_committed. */
  readonly isCommittedOnly: boolean
  readonly #sessions: ReadSessions
  readonly #positions = new Map<PartitionHistory, number>()
  /** It goes to the end of all partitions, and stays there. */
  isEnding = false

  constructor(world: TransactionWorld, name: string, isCommittedOnly: boolean) {
    this.#world = world
    this.#client = new ClusterClient(world.broker, name)
    this.#version = world.random.pick(FETCH_VERSIONS)
    this.isCommittedOnly = isCommittedOnly
    this.#sessions = new ReadSessions(this.#version, world.random.oneIn(2))
  }

  /** Whether it has read up to the offset. */
  isAt(partition: PartitionHistory, offset: number): boolean {
    return (this.#positions.get(partition) ?? 0) >= offset
  }

  async run(turns: Turns): Promise<never> {
    for (;;) {
      await turns.next()
      await this.#step()
    }
  }

  async #step(): Promise<void> {
    const { random, topics } = this.#world
    await answerOf(() => this.#client.refresh())
    for (const partition of [...this.#positions.keys()]) if (!partition.topic.isAlive) this.#positions.delete(partition)
    this.#sessions.forgetDeleted()
    // Like a consumer that begins anew.
    if (!this.isEnding && random.oneIn(100)) this.#positions.clear()
    const led = topics.partitions.filter((partition) => this.#client.leaderOf(partition) !== undefined)
    if (led.length < topics.partitions.length) this.#client.lost()
    if (led.length === 0) return
    const nodeId = this.#client.leaderOf(random.pick(led))!
    await this.#fetch(
      nodeId,
      led.filter((partition) => this.#client.leaderOf(partition) === nodeId),
    )
  }

  async #fetch(nodeId: number, partitions: readonly PartitionHistory[]): Promise<void> {
    const { random, contents } = this.#world
    const asked = new Map(
      partitions.map((partition) => {
        const offset = this.#positions.get(partition) ?? 0
        return [partition, { offset, ends: contents.endsOf(partition), isCommittedOnly: this.isCommittedOnly }] as const
      }),
    )
    const fetch = this.#sessions.next(nodeId, new Map([...asked].map(([partition, { offset }]) => [partition, offset])))
    const partitionMaxBytes = this.isEnding ? 1_048_576 : random.pick([1, 2000, 1_048_576])
    const answer = await answerOf(() =>
      this.#client.at(nodeId).ask(Fetch, this.#version, {
        maxWaitMs: random.pick([0, 50, 500, this.isEnding ? 500 : 3000]),
        minBytes: random.pick([0, 1, 1, 500]),
        maxBytes: this.isEnding ? 50_000_000 : random.pick([1000, 50_000_000]),
        isolationLevel: this.isCommittedOnly ? 1 : 0,
        sessionId: fetch.sessionId,
        sessionEpoch: fetch.sessionEpoch,
        topics: fetchTopics(fetch, partitionMaxBytes),
        forgottenTopicsData: forgottenTopics(fetch),
      }),
    )
    if (answer === undefined) {
      this.#sessions.clear()
      return this.#client.lost()
    }
    const session = this.#sessions.take(nodeId, fetch, answer.value)
    if (session === 'gone') return
    if (session === 'opened') this.#world.counts.sessions++
    for (const { topic: name, topicId, partitions: answered } of answer.value.responses) {
      for (const each of answered) {
        const isIt = ({ topic, index }: PartitionHistory) =>
          index === each.partitionIndex &&
          (this.#version < WITH_TOPIC_IDS ? topic.plan.name === name : topic.id === topicId)
        const [partition, ask] = [...asked].find(([known]) => isIt(known)) ?? []
        check(partition !== undefined && ask !== undefined, `a fetch answered ${name}, which nobody asked for`)
        // Its name may have passed to another topic.
        if (!partition.topic.isAlive) continue
        if (!(await this.#isFine(partition, nodeId, errorName(each.errorCode)))) continue
        const read = contents.take(partition, each, ask)
        this.#positions.set(partition, read.nextOffset)
        this.#world.counts.read += read.committed
        this.#world.counts.leftOut += read.aborted
        this.#world.counts.markers += read.markers
      }
    }
  }

  async #isFine(partition: PartitionHistory, nodeId: number, error: string): Promise<boolean> {
    if (error === 'NONE') return true
    const { isFailing } = this.#world
    const { topic, name } = partition
    const isPassing = mayBeGone(topic.plan.name)
    if (error === 'OFFSET_OUT_OF_RANGE' && isPassing) await this.#skip(partition, nodeId)
    else {
      if (isRoutingError(error) || gone.has(error)) this.#client.lost()
      const isFounded = isRoutingError(error) || (isPassing && gone.has(error)) || isFailing
      check(isFounded || (isRefusal(error, this.#version) && isFailing), `${name} cannot be read: ${error}`)
    }
    return false
  }

  /** Records were deleted: it goes on at the first that is left. */
  async #skip(partition: PartitionHistory, nodeId: number): Promise<void> {
    const { topic, index: partitionIndex } = partition
    const topics = [{ name: topic.plan.name, partitions: [{ partitionIndex, timestamp: EARLIEST }] }]
    const request = { replicaId: -1, isolationLevel: 0, topics, timeoutMs: 0 }
    const answer = await answerOf(() => this.#client.at(nodeId).ask(ListOffsets, 6, request))
    if (answer === undefined) return
    const { errorCode, offset } = answer.value.topics[0]!.partitions[0]!
    // A follower may tell that an offset is out of range; only the leader tells the first.
    if (errorName(errorCode) !== 'NONE') this.#client.lost()
    else if (topic.isAlive) this.#positions.set(partition, offset)
  }
}
