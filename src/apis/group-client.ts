import type { GroupClient } from '../coordinator/group/group-context.ts'
import type { RequestContext } from './handler.ts'

/** The sender of a request as group members store it. */
export function groupClient({ clientId, clientHost, apiVersion }: RequestContext): GroupClient {
  // Kafka stores a null client id as empty, and prints addresses like Java.
  return { clientId: clientId ?? '', clientHost: `/${clientHost}`, apiVersion }
}
