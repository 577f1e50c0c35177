import type { AclOperation, ResourceType } from '../security/authorizer.ts'
import type { RequestContext } from './handler.ts'

/** Whether the client may do this: `if (!isAuthorized(context, 'READ', 'TOPIC', name)) ...`. Source: AuthHelper. */
export function isAuthorized(
  context: RequestContext,
  operation: AclOperation,
  resourceType: ResourceType,
  resourceName: string,
): boolean {
  const [result] = context.services.authorizer.authorize(context, [{ operation, resourceType, resourceName }])
  return result === 'ALLOWED'
}

/** Those of the names on which the client may do this. Source: AuthHelper.filterByAuthorized. */
export function authorizedAmong(
  context: RequestContext,
  operation: AclOperation,
  resourceType: ResourceType,
  resourceNames: Iterable<string>,
): ReadonlySet<string> {
  const names = [...new Set(resourceNames)]
  const actions = names.map((resourceName) => ({ operation, resourceType, resourceName }))
  const results = context.services.authorizer.authorize(context, actions)
  return new Set(names.filter((_, index) => results[index] === 'ALLOWED'))
}

/** Those of the operations that the client may do on this resource. Source: AuthHelper.authorizedOperations. */
export function allowedOperations<O extends AclOperation>(
  context: RequestContext,
  operations: readonly O[],
  resourceType: ResourceType,
  resourceName: string,
): readonly O[] {
  const actions = operations.map((operation) => ({ operation, resourceType, resourceName }))
  const results = context.services.authorizer.authorize(context, actions)
  return operations.filter((_, index) => results[index] === 'ALLOWED')
}
