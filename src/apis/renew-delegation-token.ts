import { RenewDelegationToken } from '../../protocol/apis/renew-delegation-token.ts'
import { errorCode } from '../../protocol/error-codes.ts'
import { handler } from './handler.ts'

/**
 * Refuses with DELEGATION_TOKEN_REQUEST_NOT_ALLOWED, like CreateDelegationToken. Source:
 * KafkaApis.handleRenewTokenRequest.
 */
export const renewDelegationToken = handler(RenewDelegationToken, () => ({
  errorCode: errorCode('DELEGATION_TOKEN_REQUEST_NOT_ALLOWED'),
  expiryTimestampMs: -1,
}))
