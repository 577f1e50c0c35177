import type { MetadataImage } from '../../../metadata/metadata-image.ts'
import type { CoordinatorRecord } from '../../coordinator-record.ts'
import { type AssignedMember, type Assignor, noPartitions, type TopicPartitions } from '../assignor/assignor.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import { type ConsumerMember, regexOf } from './consumer-member.ts'
import { targetAssignmentMetadataRecord, targetAssignmentRecord } from './consumer-records.ts'
import { samePartitions } from './partition-epochs.ts'
import type { ResolvedRegex } from './topic-regex.ts'

/** Target assignment and the records of its changes. */
export interface TargetAssignment {
  readonly records: readonly CoordinatorRecord[]
  readonly partitions: ReadonlyMap<string, TopicPartitions>
}

/** Input of a new target assignment. */
export interface TargetAssignmentTask {
  readonly group: ConsumerGroup
  /** The requesting member after its update; it may be new or replace a member with the same instance id. */
  readonly updated: ConsumerMember
  readonly groupEpoch: number
  readonly isHomogeneous: boolean
  readonly assignor: Assignor
  readonly image: MetadataImage
  readonly nowMs: number
}

/** Computes the target assignment of the whole group. Source: TargetAssignmentBuilder. */
export function targetAssignment(task: TargetAssignmentTask): TargetAssignment {
  const { group, image, groupEpoch, nowMs, isHomogeneous } = task
  const members = assignedMembers(task)
  const partitionCount = (topicId: string) => image.topicsById.get(topicId)?.partitions.length ?? 0
  const partitions = task.assignor.assign({ members, isHomogeneous, partitionCount })
  const records: CoordinatorRecord[] = []
  for (const { memberId } of members) {
    const old = targetBefore(task, memberId)
    const target = partitions.get(memberId) ?? noPartitions
    if (old !== undefined && samePartitions(target, old)) continue
    records.push(targetAssignmentRecord(group.groupId, memberId, target))
  }
  records.push(targetAssignmentMetadataRecord(group.groupId, groupEpoch, nowMs))
  return { records, partitions }
}

/** Previous target; undefined if there is none. A replacing member inherits that of the replaced one. */
function targetBefore({ group, updated }: TargetAssignmentTask, memberId: string): TopicPartitions | undefined {
  const replaced = memberId === updated.memberId ? group.staticMember(updated.instanceId) : undefined
  return group.target.get(replaced?.memberId ?? memberId)
}

function assignedMembers(task: TargetAssignmentTask): AssignedMember[] {
  const { group, updated, image } = task
  const topicIds = new SubscribedTopics(image, group.resolvedRegexes)
  const replacedId = group.staticMember(updated.instanceId)?.memberId ?? updated.memberId
  // The new member takes the place of the replaced one: the order decides who gets extra partitions.
  const members = new Map(group.members).set(replacedId, updated)
  if (replacedId !== updated.memberId) members.delete(updated.memberId)
  return [...members.values()].map((member) => ({
    memberId: member.memberId,
    instanceId: member.instanceId,
    topicIds: topicIds.of(member),
    assigned: targetBefore(task, member.memberId) ?? noPartitions,
  }))
}

/** Ids of subscribed topics; cached because most members of a group have the same subscription. */
export class SubscribedTopics {
  readonly #image: MetadataImage
  readonly #resolved: ReadonlyMap<string, ResolvedRegex>
  readonly #bySubscription = new Map<string, ReadonlySet<string>>()

  constructor(image: MetadataImage, resolved: ReadonlyMap<string, ResolvedRegex>) {
    this.#image = image
    this.#resolved = resolved
  }

  of(member: ConsumerMember): ReadonlySet<string> {
    const key = `${[...member.subscribedTopicNames].sort().join(' ')} ${regexOf(member) ?? ''}`
    let topicIds = this.#bySubscription.get(key)
    if (topicIds === undefined) {
      topicIds = new Set(this.#lookUp(member))
      this.#bySubscription.set(key, topicIds)
    }
    return topicIds
  }

  *#lookUp(member: ConsumerMember): Iterable<string> {
    const regex = regexOf(member)
    const matched = regex === undefined ? undefined : this.#resolved.get(regex)?.topics
    for (const names of [member.subscribedTopicNames, matched ?? []]) {
      for (const name of names) {
        const topic = this.#image.topicsByName.get(name)
        if (topic !== undefined) yield topic.id
      }
    }
  }
}
