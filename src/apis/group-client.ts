import type { GroupClient } from '../coordinator/group/group-context.ts'
import type { RequestContext } from './handler.ts'

/** The sender of a request as groups remember it. */
export function groupClient({ clientId, clientHost, apiVersion }: RequestContext): GroupClient {
  // Kafka takes no client id for an empty one, and prints addresses as Java does.
  return { clientId: clientId ?? '', clientHost: `/${clientHost}`, apiVersion }
}

/** What anybody may do to a group where nobody is refused: READ, DELETE, DESCRIBE, DESCRIBE_CONFIGS, ALTER_CONFIGS. */
export const ALL_GROUP_OPERATIONS: number = (1 << 3) | (1 << 6) | (1 << 8) | (1 << 10) | (1 << 11)
