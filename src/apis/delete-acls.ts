import { DeleteAcls } from '../../protocol/apis/delete-acls.ts'
import { errorCode } from '../../protocol/error-codes.ts'
import { mapInSlices } from '../../storage/host/turn-slices.ts'
import { isUnreadable } from './acl-words.ts'
import { handler } from './handler.ts'

/**
 * Refuses each filter with SECURITY_DISABLED: there is no authorizer, so there are no ACLs. Source:
 * AclApis.handleDeleteAcls.
 */
export const deleteAcls = handler(DeleteAcls, async ({ filters }, context) => {
  const refused = {
    errorCode: errorCode('SECURITY_DISABLED'),
    errorMessage: 'No Authorizer is configured.',
    matchingAcls: [],
  }
  let isMalformed = false
  const filterResults = await mapInSlices(filters, context.slices, (each) => {
    const { resourceTypeFilter, patternTypeFilter, operation, permissionType } = each
    isMalformed ||= isUnreadable(
      'DeleteAcls',
      [resourceTypeFilter, patternTypeFilter, operation, permissionType],
      context,
    )
    return refused
  })
  return isMalformed ? undefined : { filterResults }
})
