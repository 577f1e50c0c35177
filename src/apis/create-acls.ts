import { CreateAcls } from '../../protocol/apis/create-acls.ts'
import { errorCode } from '../../protocol/error-codes.ts'
import { mapInSlices } from '../../storage/host/turn-slices.ts'
import { isUnreadable } from './acl-words.ts'
import { handler } from './handler.ts'

/** Refuses with SECURITY_DISABLED: there is no authorizer to store ACLs. Source: AclApis.handleCreateAcls. */
export const createAcls = handler(CreateAcls, async ({ creations }, context) => {
  const refused = { errorCode: errorCode('SECURITY_DISABLED'), errorMessage: 'No Authorizer is configured.' }
  let isMalformed = false
  const results = await mapInSlices(creations, context.slices, (each) => {
    const { resourceType, resourcePatternType, operation, permissionType } = each
    isMalformed ||= isUnreadable('CreateAcls', [resourceType, resourcePatternType, operation, permissionType], context)
    return refused
  })
  return isMalformed ? undefined : { results }
})
