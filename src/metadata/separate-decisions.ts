/** Requests that are accepted or refused one by one, and written as one change. */
import { isRejection, type Rejection, reject } from '../../protocol/error-codes.ts'
import type { Logger } from '../observe/logger.ts'
import type { ClusterImage } from './cluster-image.ts'
import type { ChangeOptions } from './metadata-store.ts'
import { MAX_RECORDS_PER_CHANGE, type MetadataDecision, type MetadataWriter, NotWritten } from './metadata-writer.ts'

export const tooManyRecords = reject('POLICY_VIOLATION', 'Unable to perform excessively large batch operation.')

/** Decides each request against the same image. Refuses repeated requests: they would not see the first one's effect. */
export function* decideEach<W, T>(
  requests: readonly W[],
  keyOf: (request: W) => string,
  decide: (request: W) => MetadataDecision<T> | Rejection,
  refuse: (request: W) => Rejection,
): Generator<void, (MetadataDecision<T> | Rejection)[]> {
  const seen = new Set<string>()
  const decisions: (MetadataDecision<T> | Rejection)[] = []
  for (const request of requests) {
    const key = keyOf(request)
    decisions.push(seen.has(key) ? refuse(request) : decide(request))
    seen.add(key)
    yield
  }
  return decisions
}

/** Writes the accepted decisions as one change. If that fails, they are refused too. */
export async function changeEach<T>(
  { writer, logger }: { readonly writer: Pick<MetadataWriter, 'change'>; readonly logger: Logger },
  decide: (image: ClusterImage) => Generator<void, readonly (MetadataDecision<T> | Rejection)[]>,
  options: ChangeOptions,
): Promise<readonly (T | Rejection)[]> {
  let decisions: readonly (MetadataDecision<T> | Rejection)[] = []
  const decideAll = function* (image: ClusterImage) {
    decisions = yield* decide(image)
    const records: Buffer[] = []
    for (const decision of decisions) {
      for (const record of isRejection(decision) ? [] : decision.records) {
        records.push(record)
        yield
      }
      if (records.length <= MAX_RECORDS_PER_CHANGE) continue
      decisions = decisions.map(() => tooManyRecords)
      return { records: [], result: undefined }
    }
    return { records, result: undefined }
  }
  const resultOf = (decision: MetadataDecision<T> | Rejection) => (isRejection(decision) ? decision : decision.result)
  try {
    await writer.change(decideAll, options)
    return decisions.map(resultOf)
  } catch (error) {
    if (!(error instanceof NotWritten)) throw error
    const refusal = notWritten(logger, error)
    return decisions.map((decision) => (isRejection(decision) ? decision : refusal))
  }
}

/** The refusal of a change that could not be written. */
export function notWritten(logger: Logger, error: unknown): Rejection {
  const err = error instanceof NotWritten ? error.cause : error
  logger.error({ err }, 'a change of the cluster metadata could not be written')
  return reject('KAFKA_STORAGE_ERROR')
}
