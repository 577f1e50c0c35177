import { CreateAcls } from '../../protocol/apis/create-acls.ts'
import { errorCode } from '../../protocol/error-codes.ts'
import { handler } from './handler.ts'

/** There is no authorizer that could keep them: SECURITY_DISABLED for each. Source: AclApis.handleCreateAcls. */
export const createAcls = handler(CreateAcls, ({ creations }) => ({
  results: creations.map(() => ({
    errorCode: errorCode('SECURITY_DISABLED'),
    errorMessage: 'No Authorizer is configured.',
  })),
}))
