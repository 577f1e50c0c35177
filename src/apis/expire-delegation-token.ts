import { ExpireDelegationToken } from '../../protocol/apis/expire-delegation-token.ts'
import { errorCode } from '../../protocol/error-codes.ts'
import { handler } from './handler.ts'

/** As for creating one: DELEGATION_TOKEN_REQUEST_NOT_ALLOWED. Source: KafkaApis.handleExpireTokenRequest. */
export const expireDelegationToken = handler(ExpireDelegationToken, () => ({
  errorCode: errorCode('DELEGATION_TOKEN_REQUEST_NOT_ALLOWED'),
  expiryTimestampMs: -1,
}))
