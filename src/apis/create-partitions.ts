import { CreatePartitions } from '../../protocol/apis/create-partitions.ts'
import { errorCode, isRejection } from '../../protocol/error-codes.ts'
import { timeoutRefusal } from './deadline.ts'
import { duplicatesOf } from './duplicates.ts'
import { handler } from './handler.ts'

/** Adds partitions to topics. Source: ControllerApis.createPartitions, ReplicationControlManager.createPartitions. */
export const createPartitions = handler(CreatePartitions, async (request, { services, slices, nowMs, principal }) => {
  const names = request.topics.map(({ name }) => name)
  const timedOut = timeoutRefusal(request.timeoutMs)
  if (timedOut !== undefined) return { results: names.map((name) => result(name, timedOut.code, timedOut.message)) }
  const duplicates = duplicatesOf(names)
  const accepted = request.topics.filter(({ name }) => !duplicates.has(name))
  const answers = await services.metadata.createPartitions(
    accepted.map(({ name, count, assignments }) => ({
      name,
      count,
      assignments: assignments?.map(({ brokerIds }) => brokerIds),
    })),
    { nowMs, principal, slices, validateOnly: request.validateOnly },
  )
  return {
    results: [
      ...[...duplicates].map((name) => result(name, errorCode('INVALID_REQUEST'), 'Duplicate topic name.')),
      ...answers.map((answer, index) => {
        const name = accepted[index]?.name as string
        return isRejection(answer) ? result(name, answer.code, answer.message) : result(name, 0, null)
      }),
    ],
  }
})

function result(name: string, code: number, errorMessage: string | null) {
  return { name, errorCode: code, errorMessage }
}
