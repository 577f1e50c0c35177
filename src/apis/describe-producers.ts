import { DescribeProducers, type DescribeProducersResponse } from '../../protocol/apis/describe-producers.ts'
import { errorCode, isRejection } from '../../protocol/error-codes.ts'
import { mapInSlices } from '../../storage/host/turn-slices.ts'
import type { ProducerDescription } from '../../storage/partition-log.ts'
import { invalidTopicName } from '../metadata/topic-names.ts'
import { handler } from './handler.ts'
import type { Services } from './services.ts'

type PartitionResponse = DescribeProducersResponse['topics'][number]['partitions'][number]

/** Lists producers with state in a partition, of any replica. Source: KafkaApis.handleDescribeProducersRequest. */
export const describeProducers = handler(DescribeProducers, async (request, { services, slices }) => ({
  topics: await mapInSlices(request.topics, slices, async ({ name, partitionIndexes }) => ({
    name,
    partitions: await mapInSlices(partitionIndexes, slices, (index) => describe(name, index, services)),
  })),
}))

async function describe(
  topic: string,
  partitionIndex: number,
  { metadata, partitions }: Services,
): Promise<PartitionResponse> {
  const fault = invalidTopicName(topic)
  if (fault !== undefined) {
    return {
      partitionIndex,
      errorCode: errorCode('INVALID_TOPIC_EXCEPTION'),
      errorMessage: fault,
      activeProducers: [],
    }
  }
  const partition = await partitions.replicaFor(topic, partitionIndex)
  if (!isRejection(partition)) {
    return { partitionIndex, errorCode: 0, activeProducers: partition.log.activeProducers().map(activeProducer) }
  }
  // Kafka sends a message only if the topic is unknown.
  const errorMessage = metadata.image.topicsByName.has(topic) ? null : partition.message
  return { partitionIndex, errorCode: partition.code, errorMessage, activeProducers: [] }
}

function activeProducer(producer: ProducerDescription) {
  return {
    producerId: producer.producerId,
    producerEpoch: producer.producerEpoch,
    lastSequence: producer.lastSequence,
    lastTimestamp: producer.lastTimestampMs,
    coordinatorEpoch: producer.coordinatorEpoch,
    currentTxnStartOffset: producer.currentTransactionStartOffset,
  }
}
