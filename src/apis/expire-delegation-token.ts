import { ExpireDelegationToken } from '../../protocol/apis/expire-delegation-token.ts'
import { errorCode } from '../../protocol/error-codes.ts'
import { handler } from './handler.ts'

/**
 * Refuses with DELEGATION_TOKEN_REQUEST_NOT_ALLOWED, like CreateDelegationToken. Source:
 * KafkaApis.handleExpireTokenRequest.
 */
export const expireDelegationToken = handler(ExpireDelegationToken, () => ({
  errorCode: errorCode('DELEGATION_TOKEN_REQUEST_NOT_ALLOWED'),
  expiryTimestampMs: -1,
}))
