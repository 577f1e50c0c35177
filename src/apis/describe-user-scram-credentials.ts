import { DescribeUserScramCredentials } from '../../protocol/apis/describe-user-scram-credentials.ts'
import { errorCode, type Rejection, reject } from '../../protocol/error-codes.ts'
import { mapInSlices } from '../../storage/host/turn-slices.ts'
import type { ScramCredential } from '../metadata/metadata-image.ts'
import { duplicatesOf } from './duplicates.ts'
import { handler } from './handler.ts'

/**
 * Lists users with their SCRAM mechanisms and iterations, never the credentials themselves. Source:
 * ScramImage.describe.
 */
export const describeUserScramCredentials = handler(
  DescribeUserScramCredentials,
  async (request, { services, slices }) => {
    const { scramCredentials } = services.metadata.image
    const asked = request.users?.map(({ name }) => name) ?? []
    const duplicates = duplicatesOf(asked)
    const users = asked.length === 0 ? [...scramCredentials.keys()] : [...new Set(asked)]
    return {
      errorCode: 0,
      errorMessage: '',
      results: await mapInSlices(users, slices, (user) => {
        if (duplicates.has(user))
          return refused(
            user,
            reject(
              'DUPLICATE_RESOURCE',
              `Cannot describe SCRAM credentials for the same user twice in a single request: ${user}`,
            ),
          )
        const credentials = scramCredentials.get(user)
        if (credentials !== undefined) return described(user, credentials)
        return refused(
          user,
          reject('RESOURCE_NOT_FOUND', `Attempt to describe a user credential that does not exist: ${user}`),
        )
      }),
    }
  },
)

/**
 * A controller listener advertises this API, and has no handler for it. To a request for all users Kafka's controller
 * fails to send even the error. Source: ControllerApis.handle, DescribeUserScramCredentialsRequest.getErrorResponse.
 */
export const describeUserScramCredentialsOfController = handler(
  DescribeUserScramCredentials,
  async ({ users }, { slices }) => {
    const error = { errorCode: errorCode('UNKNOWN_SERVER_ERROR'), errorMessage: null }
    const results = await mapInSlices(users ?? [], slices, () => ({ user: '', ...error, credentialInfos: [] }))
    return { ...error, results }
  },
)

function refused(user: string, { code, message }: Rejection) {
  return { user, errorCode: code, errorMessage: message, credentialInfos: [] }
}

function described(user: string, credentials: ReadonlyMap<number, ScramCredential>) {
  const infos = [...credentials].map(([mechanism, { iterations }]) => ({ mechanism, iterations }))
  return { user, errorCode: 0, errorMessage: '', credentialInfos: infos }
}
