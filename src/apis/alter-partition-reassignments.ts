import {
  AlterPartitionReassignments,
  type AlterPartitionReassignmentsRequest,
} from '../../protocol/apis/alter-partition-reassignments.ts'
import type { Rejection } from '../../protocol/error-codes.ts'
import { mapInSlices } from '../../storage/host/turn-slices.ts'
import { timeoutRefusal } from './deadline.ts'
import { handler, type RequestContext } from './handler.ts'

/** Moves replicas between brokers. Source: ReplicationControlManager.alterPartitionReassignments. */
export const alterPartitionReassignments = handler(AlterPartitionReassignments, async (request, context) => {
  const { topics, timeoutMs, allowReplicationFactorChange } = request
  const timedOut = topics.length === 0 ? undefined : timeoutRefusal(timeoutMs)
  const reassigned = timedOut === undefined ? await reassign(request, context) : undefined
  return {
    // Kafka answers an empty request without looking at this field.
    allowReplicationFactorChange: topics.length === 0 || allowReplicationFactorChange,
    errorCode: timedOut?.code ?? 0,
    // Kafka's message is empty for an empty request and null for others.
    errorMessage: topics.length === 0 ? '' : null,
    responses: await mapInSlices(topics, context.slices, ({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex }) => {
        const refusal = timedOut ?? reassigned?.next().value ?? undefined
        return { partitionIndex, errorCode: refusal?.code ?? 0, errorMessage: refusal?.message ?? null }
      }),
    })),
  }
})

/** Why each partition is refused, in request order; undefined if it is not. */
async function reassign(
  { topics, allowReplicationFactorChange }: AlterPartitionReassignmentsRequest,
  { services, nowMs, principal, slices }: RequestContext,
): Promise<Iterator<Rejection | undefined>> {
  const asked = topics.flatMap(({ name, partitions }) =>
    partitions.map(({ partitionIndex, replicas }) => ({ topic: name, partition: partitionIndex, replicas })),
  )
  const options = { nowMs, principal, slices, mayChangeReplicationFactor: allowReplicationFactorChange }
  const refusals = asked.length === 0 ? [] : await services.metadata.alterPartitionReassignments(asked, options)
  return refusals.values()
}
