import { RenewDelegationToken } from '../../protocol/apis/renew-delegation-token.ts'
import { errorCode } from '../../protocol/error-codes.ts'
import { handler } from './handler.ts'

/** As for creating one: DELEGATION_TOKEN_REQUEST_NOT_ALLOWED. Source: KafkaApis.handleRenewTokenRequest. */
export const renewDelegationToken = handler(RenewDelegationToken, () => ({
  errorCode: errorCode('DELEGATION_TOKEN_REQUEST_NOT_ALLOWED'),
  expiryTimestampMs: -1,
}))
