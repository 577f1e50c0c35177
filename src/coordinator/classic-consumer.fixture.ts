import type { JoinGroupResponse } from '../../protocol/apis/join-group.ts'
import { ByteWriter, contiguous } from '../../protocol/byte-writer.ts'
import { encode } from '../../protocol/codegen.ts'
import { errorName } from '../../protocol/error-codes.ts'
import { ConsumerProtocolSubscription } from '../../protocol/internal-records/consumer-protocol.ts'
import { readAssignment, writeAssignment } from './group/classic/consumer-subscription.ts'
import { ClassicClient, type GroupWorld } from './group-world.fixture.ts'

/** Test consumer of the classic protocol: eager rebalancing, one step at a time. */
export class ClassicConsumer {
  readonly client: ClassicClient
  readonly topic: string
  readonly partitionCount: number
  /** Partitions it works on; undefined outside a generation. */
  owned: readonly number[] | undefined
  /** Set while a response is outstanding. */
  waiting: Promise<void> | undefined
  #state: 'out' | 'joined' | 'working' = 'out'
  #joined: JoinGroupResponse | undefined

  constructor(world: GroupWorld, groupId: string, name: string, topic: string, partitionCount: number) {
    const protocols = [{ name: 'range', metadata: subscriptionTo(topic) }]
    this.client = new ClassicClient(world, groupId, name, { protocols })
    this.topic = topic
    this.partitionCount = partitionCount
  }

  /** Takes the consumer's next step unless a response is outstanding. */
  act(): void {
    if (this.waiting !== undefined) return
    this.waiting = this.#next().finally(() => {
      this.waiting = undefined
    })
  }

  async leave(): Promise<void> {
    if (this.waiting !== undefined || this.client.memberId === '') return
    await this.client.leave()
    this.#forgetMembership()
  }

  #next(): Promise<void> {
    if (this.#state === 'out') return this.#join()
    return this.#state === 'joined' ? this.#sync() : this.#beat()
  }

  async #join(): Promise<void> {
    this.owned = undefined
    const joined = await this.client.join()
    this.#joined = joined
    if (joined.errorCode === 0) this.#state = 'joined'
    else this.#failed(joined.errorCode)
  }

  async #sync(): Promise<void> {
    const joined = this.#joined
    const isLeader = joined !== undefined && joined.leader === joined.memberId
    const synced = await this.client.sync(isLeader ? this.#share(joined.members) : [])
    if (synced.errorCode !== 0) return this.#failed(synced.errorCode)
    this.#state = 'working'
    this.owned = partitionsOf(synced.assignment, this.topic)
  }

  async #beat(): Promise<void> {
    const code = await this.client.heartbeat()
    if (code !== 0) this.#failed(code)
  }

  #failed(code: number): void {
    this.#state = 'out'
    this.owned = undefined
    if (['UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION', 'FENCED_INSTANCE_ID'].includes(errorName(code))) {
      this.#forgetMembership()
    }
  }

  #forgetMembership(): void {
    this.#state = 'out'
    this.owned = undefined
    this.client.memberId = ''
    this.client.generationId = -1
  }

  #share(members: JoinGroupResponse['members']) {
    return members.map(({ memberId }, index) => {
      const partitions: number[] = []
      for (let each = index; each < this.partitionCount; each += members.length) partitions.push(each)
      const assignedPartitions = [{ topic: this.topic, partitions }]
      return { memberId, assignment: writeAssignment({ assignedPartitions, userData: null }, 1) }
    })
  }
}

function partitionsOf(assignment: Buffer, topic: string): number[] {
  if (assignment.length === 0) return []
  return readAssignment(assignment).assignedPartitions.find((each) => each.topic === topic)?.partitions ?? []
}

/** Consumer metadata that subscribes to one topic and owns no partitions. */
export function subscriptionTo(topic: string): Buffer {
  const writer = new ByteWriter()
  writer.writeInt16(1)
  encode(ConsumerProtocolSubscription, 1, { topics: [topic], ownedPartitions: [] }, writer)
  return contiguous(writer.finish())
}
