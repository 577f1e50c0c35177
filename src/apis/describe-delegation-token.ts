import { DescribeDelegationToken } from '../../protocol/apis/describe-delegation-token.ts'
import { errorCode } from '../../protocol/error-codes.ts'
import { handler } from './handler.ts'

/** As for creating one: DELEGATION_TOKEN_REQUEST_NOT_ALLOWED. Source: KafkaApis.handleDescribeTokensRequest. */
export const describeDelegationToken = handler(DescribeDelegationToken, () => ({
  errorCode: errorCode('DELEGATION_TOKEN_REQUEST_NOT_ALLOWED'),
  tokens: [],
}))
