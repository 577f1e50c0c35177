import { type AclOperation, aclOperation, CLUSTER_NAME, type ResourceType } from '../security/authorizer.ts'
import { allowedOperations } from './authorization.ts'
import type { RequestContext } from './handler.ts'

/** The client did not ask for them. */
export const operationsNotAsked = -2147483648

/** Operations that a resource of the type has. Source: AclEntry.supportedOperations. */
const supportedOperations = {
  TOPIC: ['READ', 'WRITE', 'CREATE', 'DESCRIBE', 'DELETE', 'ALTER', 'DESCRIBE_CONFIGS', 'ALTER_CONFIGS'],
  GROUP: ['READ', 'DESCRIBE', 'DELETE', 'DESCRIBE_CONFIGS', 'ALTER_CONFIGS'],
  CLUSTER: [
    ...(['CREATE', 'CLUSTER_ACTION', 'DESCRIBE_CONFIGS', 'ALTER_CONFIGS', 'IDEMPOTENT_WRITE'] as const),
    ...(['ALTER', 'DESCRIBE'] as const),
  ],
} as const satisfies Partial<Record<ResourceType, readonly AclOperation[]>>

/** What the client may do with a topic, as bits by AclOperation code. Source: AuthHelper.authorizedOperations. */
export function topicOperations(context: RequestContext, name: string): number {
  return authorizedOperations(context, 'TOPIC', name)
}

/** The same for a group. */
export function groupOperations(context: RequestContext, groupId: string): number {
  return authorizedOperations(context, 'GROUP', groupId)
}

/** The same for the cluster. */
export function clusterOperations(context: RequestContext): number {
  return authorizedOperations(context, 'CLUSTER', CLUSTER_NAME)
}

function authorizedOperations(
  context: RequestContext,
  resourceType: keyof typeof supportedOperations,
  resourceName: string,
): number {
  const operations = allowedOperations<AclOperation>(
    context,
    supportedOperations[resourceType],
    resourceType,
    resourceName,
  )
  return operations.reduce((bits, operation) => bits | (1 << aclOperation[operation]), 0)
}
