import { DeleteAcls } from '../../protocol/apis/delete-acls.ts'
import { errorCode } from '../../protocol/error-codes.ts'
import { handler } from './handler.ts'

/** There is no authorizer that could have any: SECURITY_DISABLED for each filter. Source: AclApis.handleDeleteAcls. */
export const deleteAcls = handler(DeleteAcls, ({ filters }) => ({
  filterResults: filters.map(() => ({
    errorCode: errorCode('SECURITY_DISABLED'),
    errorMessage: 'No Authorizer is configured.',
    matchingAcls: [],
  })),
}))
