import { api, bytes, int16, int32, int64, type RequestOf, type ResponseInputOf } from '../schema.ts'

/** Advances the expiry of a delegation token, or expires it at once (KIP-48). v2 flexible. */
export const ExpireDelegationToken = api({
  key: 40,
  name: 'ExpireDelegationToken',
  versions: '0-2',
  flexible: '2+',
  request: {
    hmac: bytes(),
    expiryTimePeriodMs: int64(),
  },
  response: {
    errorCode: int16(),
    expiryTimestampMs: int64(),
    throttleTimeMs: int32({ default: 0 }),
  },
})
export type ExpireDelegationTokenRequest = RequestOf<typeof ExpireDelegationToken>
export type ExpireDelegationTokenResponse = ResponseInputOf<typeof ExpireDelegationToken>
