import { api, array, bytes, int16, int32, int64, type RequestOf, type ResponseInputOf, string } from '../schema.ts'

/** Lists delegation tokens (KIP-48). v2 flexible; v3 KIP-373 requester of the token. */
export const DescribeDelegationToken = api({
  key: 41,
  name: 'DescribeDelegationToken',
  versions: '0-3',
  flexible: '2+',
  request: {
    // Null or empty: all tokens that the requester may see.
    owners: array({ principalType: string(), principalName: string() }, { nullable: '0+' }),
  },
  response: {
    errorCode: int16(),
    tokens: array({
      principalType: string(),
      principalName: string(),
      tokenRequesterPrincipalType: string('3+'),
      tokenRequesterPrincipalName: string('3+'),
      issueTimestamp: int64(),
      expiryTimestamp: int64(),
      maxTimestamp: int64(),
      tokenId: string(),
      hmac: bytes(),
      renewers: array({ principalType: string(), principalName: string() }),
    }),
    throttleTimeMs: int32({ default: 0 }),
  },
})
export type DescribeDelegationTokenRequest = RequestOf<typeof DescribeDelegationToken>
export type DescribeDelegationTokenResponse = ResponseInputOf<typeof DescribeDelegationToken>
