import { DescribeAcls } from '../../protocol/apis/describe-acls.ts'
import { errorCode } from '../../protocol/error-codes.ts'
import { isUnreadable } from './acl-words.ts'
import { handler } from './handler.ts'

/** Refuses with SECURITY_DISABLED: there is no authorizer, so there are no ACLs. Source: AclApis. */
export const describeAcls = handler(DescribeAcls, (request, context) => {
  const { resourceTypeFilter, patternTypeFilter, operation, permissionType } = request
  const codes = [resourceTypeFilter, patternTypeFilter, operation, permissionType]
  if (isUnreadable('DescribeAcls', codes, context)) return undefined
  return {
    errorCode: errorCode('SECURITY_DISABLED'),
    errorMessage: 'No Authorizer is configured on the broker',
    resources: [],
  }
})
