import { ConsumerGroupDescribe } from '../../protocol/apis/consumer-group-describe.ts'
import { DescribeGroups } from '../../protocol/apis/describe-groups.ts'
import { ListGroups } from '../../protocol/apis/list-groups.ts'
import { OffsetFetch } from '../../protocol/apis/offset-fetch.ts'
import { errorName } from '../../protocol/error-codes.ts'
import type { ApiSchema, Fields, InputValue, ValueOf } from '../../protocol/schema.ts'
import type { SimulatedHost } from '../../storage/host/simulated-host.ts'
import { ClusterClient } from './cluster-client.ts'
import type { GroupLedger } from './group-ledger.ts'
import type { SimulatedBroker } from './simulated-broker.ts'
import { check } from './storage-model.ts'

/** Answers of a broker that does not serve a group now. */
const elsewhere = new Set(['NOT_COORDINATOR', 'COORDINATOR_LOAD_IN_PROGRESS', 'COORDINATOR_NOT_AVAILABLE'])

export interface GroupChecksParts {
  readonly host: SimulatedHost
  readonly broker: SimulatedBroker
  readonly ledger: GroupLedger
  readonly groupIds: readonly string[]
}

interface OfGroup {
  readonly groupId: string
  readonly errorCode: number
}

/** Asks all running brokers about the groups at the same time: one of them at most answers for a group. */
export class GroupChecks {
  readonly #parts: GroupChecksParts
  readonly #client: ClusterClient

  constructor(parts: GroupChecksParts) {
    this.#parts = parts
    this.#client = new ClusterClient(parts.broker, 'checker', { isReliable: true })
  }

  /** Checks that committed offsets have not decreased and that no partition has two owners. */
  async look(): Promise<void> {
    const { ledger, groupIds } = this.#parts
    const known = new Map(groupIds.map((groupId) => [groupId, ledger.knownOffsets(groupId)]))
    for (const groupId of groupIds) {
      for (const group of await this.#offsets([groupId], false)) {
        if (errorName(group.errorCode) !== 'NONE') continue
        for (const { partitionIndex, committedOffset } of group.topics[0]?.partitions ?? [])
          ledger.fetched(groupId, partitionIndex, committedOffset, known.get(groupId)!)
      }
    }
    for (const { groupId, members } of await this.#consumerGroups()) {
      const owned = members.flatMap(({ assignment }) => assignment.topicPartitions.flatMap((each) => each.partitions))
      check(new Set(owned).size === owned.length, `${groupId}: a partition has two owners: ${owned.join(' ')}`)
    }
  }

  /** All responses about groups, as text. Each group must be served. */
  async described(): Promise<string> {
    const { groupIds } = this.#parts
    const listed = (await this.#askAll(ListGroups, 5, { statesFilter: [], typesFilter: [] })).flatMap(
      ({ groups }) => groups,
    )
    check(new Set(listed.map(({ groupId }) => groupId)).size === listed.length, 'two brokers list the same group')
    const asked = { groups: groupIds, includeAuthorizedOperations: false }
    const classic = served(
      groupIds,
      (await this.#askAll(DescribeGroups, 6, asked)).map(({ groups }) => groups),
    )
    const consumer = await this.#consumerGroups()
    const offsets = await this.#offsets(groupIds, true)
    for (const answers of [classic, consumer, offsets])
      check(answers.length === groupIds.length, `only ${answers.map(({ groupId }) => groupId)} are served`)
    return JSON.stringify([listed, classic, consumer, offsets].map(sorted))
  }

  async #consumerGroups() {
    const { groupIds } = this.#parts
    const answers = await this.#askAll(ConsumerGroupDescribe, 1, { groupIds, includeAuthorizedOperations: false })
    return served(
      groupIds,
      answers.map(({ groups }) => groups),
    )
  }

  async #offsets(groupIds: readonly string[], requireStable: boolean) {
    const groups = groupIds.map((groupId) => ({ groupId, memberId: null, memberEpoch: -1, topics: null }))
    const answers = await this.#askAll(OffsetFetch, 9, { groupId: '', topics: [], groups, requireStable })
    return served(
      groupIds,
      answers.map(({ groups: answered }) => answered),
    )
  }

  #askAll<Q extends Fields, S extends Fields>(
    api: ApiSchema<Q, S>,
    version: number,
    request: InputValue<Q>,
  ): Promise<ValueOf<S>[]> {
    const { broker, host } = this.#parts
    const asked = broker.isSeveral
      ? broker.running.map((nodeId) => this.#client.at(nodeId).ask(api, version, request))
      : [broker.ask(api, version, request)]
    return host.settle(Promise.all(asked))
  }
}

/** Answers about groups from the brokers that serve them. answers: by broker. */
function served<T extends OfGroup>(groupIds: readonly string[], answers: readonly (readonly T[])[]): T[] {
  const all = answers.flat().filter(({ errorCode }) => !elsewhere.has(errorName(errorCode)))
  for (const groupId of groupIds) {
    const count = all.filter((each) => each.groupId === groupId).length
    check(count <= 1, `${count} brokers answer for ${groupId}`)
  }
  return all
}

/** Sorts arrays, whose order the protocol does not define. */
function sorted(value: unknown): unknown {
  if (Buffer.isBuffer(value)) return value.toString('hex')
  if (Array.isArray(value)) return value.map(sorted).sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, sorted(each)]))
}
