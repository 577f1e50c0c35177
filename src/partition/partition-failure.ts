import type { ErrorName } from '../../protocol/error-codes.ts'
import { DirectoryFailedError, failureOfPart, isSystemError } from '../../storage/failure-policy.ts'
import type { Host } from '../../storage/host/host.ts'
import { LogGoneError } from '../../storage/log-files.ts'
import type { Logger } from '../observe/logger.ts'

/**
 * Error code for one partition of a request when its work threw; the other partitions are still answered. Logs a bug
 * with its stack. Rethrows a broken invariant. Source: ReplicaManager, which catches Throwable for each partition.
 */
export function partitionFailure(
  { host, logger }: { readonly host: Pick<Host, 'fatal'>; readonly logger: Logger },
  partition: string,
  caught: unknown,
): ErrorName {
  const error = failureOfPart(host, caught)
  // Already logged, once for all logs of the directory.
  if (error instanceof DirectoryFailedError || error instanceof LogGoneError) return 'KAFKA_STORAGE_ERROR'
  if (isSystemError(error)) {
    logger.error({ partition, reason: error.message }, `${partition} cannot be read or written`)
    return 'KAFKA_STORAGE_ERROR'
  }
  logger.error({ err: error, partition }, `a request failed for ${partition}`)
  return 'UNKNOWN_SERVER_ERROR'
}
