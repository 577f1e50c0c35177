import { DeleteAcls } from '../../protocol/apis/delete-acls.ts'
import { errorCode } from '../../protocol/error-codes.ts'
import { isUnreadable } from './acl-words.ts'
import { handler } from './handler.ts'

/**
 * Refuses each filter with SECURITY_DISABLED: there is no authorizer, so there are no ACLs. Source:
 * AclApis.handleDeleteAcls.
 */
export const deleteAcls = handler(DeleteAcls, ({ filters }, context) => {
  const codes = filters.flatMap((each) => [
    each.resourceTypeFilter,
    each.patternTypeFilter,
    each.operation,
    each.permissionType,
  ])
  if (isUnreadable('DeleteAcls', codes, context)) return undefined
  const refused = { errorCode: errorCode('SECURITY_DISABLED'), errorMessage: 'No Authorizer is configured.' }
  return { filterResults: filters.map(() => ({ ...refused, matchingAcls: [] })) }
})
