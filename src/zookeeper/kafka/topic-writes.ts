import { isRejection } from '../../../protocol/error-codes.ts'
import type { TopicImage } from '../../metadata/metadata-image.ts'
import type { BrokerTree, NodeChange } from '../broker-nodes.ts'
import {
  type Done,
  done,
  type Meaning,
  malformed,
  notAllowed,
  type Refusal,
  refusedBy,
  type WriteParts,
  whileShown,
} from './broker-request.ts'
import { MALFORMED_SETTINGS, readConfigData, readTopicData } from './node-data.ts'
import { isShown, TOPIC_CONFIGS } from './topic-nodes.ts'

type Assignments = ReadonlyMap<number, readonly number[]>

/** A write to /brokers/topics/T, by which old tools create topics and add partitions. */
export function topicWrite(change: NodeChange, name: string, parts: WriteParts): Meaning {
  if (change.kind === 'delete')
    return notAllowed('topics are deleted through /admin/delete_topics (kafka-topics.sh --delete)')
  if (!isShown(name)) return notAllowed(`topic ${name} is Ottla’s own`)
  const assignments = readTopicData(change.data)
  if (assignments === undefined || assignments.size === 0)
    return malformed(`the data of a topic must name its partitions: {"version":1,"partitions":{"0":[${parts.nodeId}]}}`)
  return change.kind === 'create'
    ? (tree) => createTopic(tree, name, assignments, parts)
    : () => growTopic(name, assignments, parts)
}

/** The settings were written before, to a node of their own. */
async function createTopic(
  tree: BrokerTree,
  name: string,
  assignments: Assignments,
  parts: WriteParts,
): Promise<Refusal | Done> {
  const configs = readConfigData(tree.data(`${TOPIC_CONFIGS}/${name}`) ?? null)
  if (configs === undefined) return malformed(`${TOPIC_CONFIGS}/${name}: ${MALFORMED_SETTINGS}`)
  const topic = { name, partitionCount: -1, replicationFactor: -1, assignments, configs, validateOnly: false }
  const [made] = await parts.metadata.createTopics([topic], { nowMs: parts.nowMs() })
  return isRejection(made) ? refusedBy(made) : done
}

async function growTopic(name: string, assignments: Assignments, parts: WriteParts): Promise<Refusal | Done> {
  const topic = parts.metadata.image.topicsByName.get(name)
  if (topic === undefined) return { error: 'NONODE', reason: `topic ${name} does not exist` }
  const fault = growthFault(topic, assignments)
  if (fault !== undefined) return malformed(fault)
  const count = assignments.size
  if (count === topic.partitions.length) return done
  const added = Array.from({ length: count - topic.partitions.length }, (_, index) => topic.partitions.length + index)
  const grown = { name, count, assignments: added.map((partition) => assignments.get(partition) as readonly number[]) }
  const [answer] = await parts.metadata.createPartitions([grown], { nowMs: parts.nowMs() })
  return isRejection(answer) ? refusedBy(answer) : done
}

function growthFault({ name, partitions }: TopicImage, assignments: Assignments): string | undefined {
  for (let index = 0; index < assignments.size; index++)
    if (!assignments.has(index)) return `the partitions of topic ${name} must be numbered from 0 without a gap`
  if (assignments.size < partitions.length)
    return `topic ${name} has ${partitions.length} partitions, and none can be removed`
  const moved = partitions.findIndex(({ replicas }, index) => String(replicas) !== String(assignments.get(index)))
  if (moved === -1) return undefined
  return `the replicas of ${name}-${moved} are changed through /admin/reassign_partitions (kafka-reassign-partitions.sh)`
}

/** A node in /admin/delete_topics: the topic is deleted, then the node. Source: KafkaController.processTopicDeletion. */
export function deletion(change: NodeChange, name: string, parts: WriteParts): Meaning {
  if (change.kind === 'delete') return notAllowed('a deletion that was asked for is carried out at once')
  return whileShown(change, () => deleteTopic(name, parts))
}

async function deleteTopic(name: string, { metadata, configs, nowMs }: WriteParts): Promise<Refusal | Done> {
  const topic = metadata.image.topicsByName.get(name)
  if (topic === undefined || !isShown(name)) return { notes: [`topic ${name} is not deleted: there is none`] }
  if (!configs.broker.deleteTopicEnable) return { notes: [`topic ${name} is not deleted: delete.topic.enable=false`] }
  const [deleted] = await metadata.deleteTopics([topic.id], { nowMs: nowMs() })
  // Another client may have deleted it meanwhile.
  return isRejection(deleted) ? { notes: [`topic ${name} is not deleted: ${refusedBy(deleted).reason}`] } : done
}
