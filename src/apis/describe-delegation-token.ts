import { DescribeDelegationToken } from '../../protocol/apis/describe-delegation-token.ts'
import { errorCode } from '../../protocol/error-codes.ts'
import { handler } from './handler.ts'

/**
 * Refuses with DELEGATION_TOKEN_REQUEST_NOT_ALLOWED, like CreateDelegationToken. Source:
 * KafkaApis.handleDescribeTokensRequest.
 */
export const describeDelegationToken = handler(DescribeDelegationToken, () => ({
  errorCode: errorCode('DELEGATION_TOKEN_REQUEST_NOT_ALLOWED'),
  tokens: [],
}))

/** A controller listener advertises this API, and has no handler for it. Source: ControllerApis.handle. */
export const describeDelegationTokenOfController = handler(DescribeDelegationToken, () => ({
  errorCode: errorCode('UNKNOWN_SERVER_ERROR'),
  tokens: [],
}))
