import { api, bytes, int16, int32, int64, type RequestOf, type ResponseInputOf } from '../schema.ts'

/** Extends a delegation token (KIP-48). v2 flexible. */
export const RenewDelegationToken = api({
  key: 39,
  name: 'RenewDelegationToken',
  versions: '0-2',
  flexible: '2+',
  request: {
    hmac: bytes(),
    renewPeriodMs: int64(),
  },
  response: {
    errorCode: int16(),
    expiryTimestampMs: int64(),
    throttleTimeMs: int32({ default: 0 }),
  },
})
export type RenewDelegationTokenRequest = RequestOf<typeof RenewDelegationToken>
export type RenewDelegationTokenResponse = ResponseInputOf<typeof RenewDelegationToken>
