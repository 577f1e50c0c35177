import { DescribeQuorum } from '../../protocol/apis/describe-quorum.ts'
import { errorCode, errorTable } from '../../protocol/error-codes.ts'
import { ZERO_UUID } from '../../protocol/schema.ts'
import { mapInSlices } from '../../storage/host/turn-slices.ts'
import { handler, type RequestContext } from './handler.ts'

const METADATA_TOPIC = '__cluster_metadata'
const FIRST_WITH_NODES = 2

/**
 * Describes the quorum of the metadata log: the controller is its only voter, other brokers observe. Source:
 * KafkaRaftClient.handleDescribeQuorumRequest.
 */
export const describeQuorum = handler(DescribeQuorum, async (request, context) => {
  const { apiVersion, services, slices } = context
  const isAsked = request.topics.some(({ topicName, partitions }) =>
    partitions.some(({ partitionIndex }) => isMetadata(topicName, partitionIndex)),
  )
  return {
    errorCode: 0,
    errorMessage: '',
    topics: await mapInSlices(request.topics, slices, async ({ topicName, partitions }) => ({
      topicName,
      partitions: await mapInSlices(partitions, slices, ({ partitionIndex }) =>
        isMetadata(topicName, partitionIndex) ? quorum(context) : unknown(partitionIndex),
      ),
    })),
    nodes:
      isAsked && apiVersion >= FIRST_WITH_NODES
        ? [{ nodeId: services.metadata.image.controllerId, listeners: listenersFor(context) }]
        : [],
  }
})

function listenersFor({ services, localAddress }: RequestContext) {
  return services
    .controllerEndpoints()
    .map(({ listener, host, port }) => ({ name: listener, host: host || localAddress, port }))
}

function isMetadata(topic: string, partition: number): boolean {
  return topic === METADATA_TOPIC && partition === 0
}

function quorum({ services, nowMs, apiVersion }: RequestContext) {
  const { image } = services.metadata
  const seenMs = apiVersion >= 1 ? nowMs : -1
  // All brokers of the process see one log.
  const caughtUp = { logEndOffset: image.endOffset, lastFetchTimestamp: seenMs, lastCaughtUpTimestamp: seenMs }
  return {
    partitionIndex: 0,
    errorCode: 0,
    errorMessage: '',
    leaderId: image.controllerId,
    leaderEpoch: image.controllerEpoch,
    highWatermark: image.endOffset,
    currentVoters: [
      {
        replicaId: image.controllerId,
        replicaDirectoryId: apiVersion >= FIRST_WITH_NODES ? services.metadata.voterDirectoryId : ZERO_UUID,
        ...caughtUp,
      },
    ],
    observers: [...image.brokers.values()]
      .filter(({ nodeId, fenced }) => nodeId !== image.controllerId && !fenced)
      .map(({ nodeId, directories }) => ({
        replicaId: nodeId,
        replicaDirectoryId: apiVersion >= FIRST_WITH_NODES ? (directories[0] ?? ZERO_UUID) : ZERO_UUID,
        ...caughtUp,
      })),
  }
}

function unknown(partitionIndex: number) {
  return {
    partitionIndex,
    errorCode: errorCode('UNKNOWN_TOPIC_OR_PARTITION'),
    errorMessage: errorTable.UNKNOWN_TOPIC_OR_PARTITION.message,
    leaderId: 0,
    leaderEpoch: 0,
    highWatermark: 0,
    currentVoters: [],
    observers: [],
  }
}
