import { CreateDelegationToken } from '../../protocol/apis/create-delegation-token.ts'
import { errorCode } from '../../protocol/error-codes.ts'
import { handler } from './handler.ts'

/**
 * Refuses with DELEGATION_TOKEN_REQUEST_NOT_ALLOWED: tokens need an authenticated client, and plaintext listeners have
 * none. Source: KafkaApis.handleCreateTokenRequest.
 */
export const createDelegationToken = handler(CreateDelegationToken, (request, { principal, apiVersion }) => {
  const at = principal.indexOf(':')
  const [type, name] = [principal.slice(0, at), principal.slice(at + 1)]
  const owner = request.ownerPrincipalName
  const isForOther = owner !== null && owner !== ''
  // Kafka fails on an owner without a type. Its answer names the requester as the owner.
  const lacksOwnerType = isForOther && request.ownerPrincipalType === null
  const answeredOwner = isForOther && !lacksOwnerType ? [request.ownerPrincipalType ?? '', owner] : [type, name]
  return {
    errorCode: errorCode(lacksOwnerType ? 'UNKNOWN_SERVER_ERROR' : 'DELEGATION_TOKEN_REQUEST_NOT_ALLOWED'),
    principalType: answeredOwner[0] as string,
    principalName: answeredOwner[1] as string,
    tokenRequesterPrincipalType: apiVersion >= 3 ? type : '',
    tokenRequesterPrincipalName: apiVersion >= 3 ? name : '',
    issueTimestampMs: -1,
    expiryTimestampMs: -1,
    maxTimestampMs: -1,
    tokenId: '',
    hmac: Buffer.alloc(0),
  }
})
