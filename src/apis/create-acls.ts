import { CreateAcls } from '../../protocol/apis/create-acls.ts'
import { errorCode } from '../../protocol/error-codes.ts'
import { isUnreadable } from './acl-words.ts'
import { handler } from './handler.ts'

/** Refuses with SECURITY_DISABLED: there is no authorizer to store ACLs. Source: AclApis.handleCreateAcls. */
export const createAcls = handler(CreateAcls, ({ creations }, context) => {
  const codes = creations.flatMap((each) => [
    each.resourceType,
    each.resourcePatternType,
    each.operation,
    each.permissionType,
  ])
  if (isUnreadable('CreateAcls', codes, context)) return undefined
  const errorMessage = 'No Authorizer is configured.'
  return { results: creations.map(() => ({ errorCode: errorCode('SECURITY_DISABLED'), errorMessage })) }
})
