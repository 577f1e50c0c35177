import { WriteTxnMarkers, type WriteTxnMarkersRequest } from '../../protocol/apis/write-txn-markers.ts'
import { type ErrorName, errorCode } from '../../protocol/error-codes.ts'
import { mapInSlices } from '../../storage/host/turn-slices.ts'
import type { TransactionEnd } from '../coordinator/state-log.ts'
import { CLUSTER_NAME } from '../security/authorizer.ts'
import { isAuthorized } from './authorization.ts'
import { handler, type RequestContext } from './handler.ts'

type Marker = WriteTxnMarkersRequest['markers'][number]

/**
 * Ends transactions in partitions that this broker leads, for coordinators and for tools that end hanging transactions.
 * The results of one producer are answered together. Source: KafkaApis.handleWriteTxnMarkersRequest.
 */
export const writeTxnMarkers = handler(
  WriteTxnMarkers,
  async (request, context) => {
    const results = new Map<number, Map<string, Map<number, ErrorName>>>()
    // Kafka fails on the whole request, with an unexpected error.
    const refusal = request.markers.every(isPossible) ? undefined : 'UNKNOWN_SERVER_ERROR'
    const written = await mapInSlices(request.markers, context.slices, (marker) => write(marker, refusal, context))
    for (const [index, marker] of request.markers.entries()) {
      const ofProducer = results.get(marker.producerId) ?? new Map<string, Map<number, ErrorName>>()
      for (const [topic, partition, error] of written[index]!) {
        results.set(marker.producerId, ofProducer)
        const ofTopic = ofProducer.get(topic) ?? new Map<number, ErrorName>()
        ofProducer.set(topic, ofTopic.set(partition, error))
      }
    }
    return { markers: [...results].map(([producerId, topics]) => ({ producerId, topics: listed(topics) })) }
  },
  // Kafka 4 removed v0.
  { versions: '1-2' },
)

function isPossible({ producerEpoch, transactionVersion }: Marker): boolean {
  return producerEpoch >= 0 && transactionVersion >= 0
}

function listed(topics: ReadonlyMap<string, ReadonlyMap<number, ErrorName>>) {
  return [...topics].map(([name, partitions]) => ({
    name,
    partitions: [...partitions].map(([partitionIndex, error]) => ({ partitionIndex, errorCode: errorCode(error) })),
  }))
}

type Written = [topic: string, partition: number, error: ErrorName]

/** Starts all writes in slices: each waits for its own log. */
async function write(marker: Marker, refusal: ErrorName | undefined, context: RequestContext): Promise<Written[]> {
  const isAllowed =
    isAuthorized(context, 'ALTER', 'CLUSTER', CLUSTER_NAME) ||
    isAuthorized(context, 'CLUSTER_ACTION', 'CLUSTER', CLUSTER_NAME)
  const { producerId, producerEpoch, coordinatorEpoch, transactionVersion } = marker
  const refused = isAllowed ? refusal : 'CLUSTER_AUTHORIZATION_FAILED'
  const result = marker.transactionResult ? 'commit' : 'abort'
  const end: TransactionEnd = { producerId, producerEpoch, coordinatorEpoch, result, transactionVersion }
  const written: Promise<Written>[] = []
  for (const { name, partitionIndexes } of marker.topics) {
    for (const index of partitionIndexes) {
      const wait = context.slices.next()
      if (wait !== undefined) await wait
      written.push(
        refused === undefined ? writeOne(name, index, end, context) : Promise.resolve([name, index, refused]),
      )
    }
  }
  return Promise.all(written)
}

async function writeOne(
  topic: string,
  partition: number,
  end: TransactionEnd,
  { services, nowMs }: RequestContext,
): Promise<Written> {
  return [topic, partition, await services.markers.write(topic, partition, end, nowMs)]
}
