import { apiByKey } from '../../protocol/apis/index.ts'
import type { ApiSchema } from '../../protocol/schema.ts'
import type { SeededRandom } from '../../storage/host/seeded-random.ts'
import type { Answer } from './exchange.ts'
import { randomStruct, type Vocabulary } from './random-message.ts'

const JOIN_GROUP = 11
const SYNC_GROUP = 14
const CONSUMER_GROUP_HEARTBEAT = 68
/** OffsetCommit, OffsetFetch, JoinGroup, Heartbeat, LeaveGroup, SyncGroup, DescribeGroups, DeleteGroups, OffsetDelete, ... */
const groupApis = [8, 9, 11, 11, 12, 13, 14, 14, 15, 16, 42, 47, 68, 68, 68, 69].map(
  (key) => apiByKey.get(key) as ApiSchema,
)

const groups = ['classic', 'modern', 'both'] as const
/** ConsumerProtocolSubscription v1: topics 'plain' and 'compact', no user data, no owned partitions. */
const subscription = Buffer.from('0001000000020005706c61696e0007636f6d70616374ffffffff00000000', 'hex')
const MEMBERS_REMEMBERED = 6

/** Identity of a member that the coordinator accepts. */
interface Member {
  readonly groupId: string
  readonly memberId: string
  readonly epoch: number
}

/** Group members known from responses: the coordinator accepts more requests with their ids than with random ones. */
export class GroupMembers {
  #members: Member[] = []

  /** Body of a group request, mostly in the name of a member. */
  request(random: SeededRandom, words: Vocabulary): { api: ApiSchema; version: number; body: Record<string, unknown> } {
    const api = random.pick(groupApis)
    const version = api.versions.oldest + random.below(api.versions.newest - api.versions.oldest + 1)
    const body = randomStruct(api.request.fields, version, random, words)
    const known = this.#members.length > 0 && !random.oneIn(4) ? random.pick(this.#members) : undefined
    const member = known ?? { groupId: random.pick(groups), memberId: '', epoch: 0 }
    if (!random.oneIn(6)) put(body, { ...namesOf(member), ...plausibleFields(api, member, random) })
    return { api, version, body }
  }

  /** Stores the client's identity from a response. */
  learn(request: Record<string, unknown>, { body }: Answer): void {
    const { groupId } = request
    const { memberId, generationId, memberEpoch } = body
    if (typeof memberId !== 'string' || memberId === '' || typeof groupId !== 'string') return
    const epoch = Number(generationId ?? memberEpoch)
    const others = this.#members.filter((each) => each.memberId !== memberId)
    this.#members = [...others, { groupId, memberId, epoch }].slice(-MEMBERS_REMEMBERED)
  }
}

function namesOf({ groupId, memberId, epoch }: Member): Record<string, unknown> {
  return {
    groupId,
    memberId,
    generationId: epoch,
    generationIdOrMemberEpoch: epoch,
    memberEpoch: epoch,
    groupInstanceId: null,
    instanceId: null,
  }
}

/** Other fields that a valid request needs. */
function plausibleFields(api: ApiSchema, { memberId, epoch }: Member, random: SeededRandom): Record<string, unknown> {
  switch (api.key) {
    case JOIN_GROUP:
      return {
        protocolType: 'consumer',
        protocols: [{ name: 'range', metadata: random.oneIn(3) ? random.bytes(20) : subscription }],
        sessionTimeoutMs: 10_000,
      }
    case SYNC_GROUP:
      return {
        protocolType: 'consumer',
        protocolName: 'range',
        assignments: [{ memberId, assignment: random.bytes(random.below(30)) }],
      }
    case CONSUMER_GROUP_HEARTBEAT: {
      if (epoch > 0) return random.oneIn(2) ? { topicPartitions: null } : {}
      const id = memberId === '' ? random.pick(['first-member', 'second-member']) : memberId
      const topics = { subscribedTopicNames: ['plain', 'compact'], subscribedTopicRegex: null, topicPartitions: [] }
      return { memberId: id, memberEpoch: 0, rebalanceTimeoutMs: 5000, serverAssignor: null, ...topics }
    }
    default:
      return {}
  }
}

/** Sets only fields that the version has. */
function put(body: Record<string, unknown>, values: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(values)) if (name in body) body[name] = value
}
