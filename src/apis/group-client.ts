import type { GroupClient } from '../coordinator/group/group-context.ts'
import type { RequestContext } from './handler.ts'

/** The sender of a request as group members store it. */
export function groupClient({ clientId, clientHost, apiVersion }: RequestContext): GroupClient {
  // Kafka stores a null client id as empty, and prints addresses like Java.
  return { clientId: clientId ?? '', clientHost: `/${clientHost}`, apiVersion }
}

/** Group operations without an authorizer: READ, DELETE, DESCRIBE, DESCRIBE_CONFIGS, ALTER_CONFIGS. */
export const ALL_GROUP_OPERATIONS: number = (1 << 3) | (1 << 6) | (1 << 8) | (1 << 10) | (1 << 11)
