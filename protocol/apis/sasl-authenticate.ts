import { api, bytes, int16, int64, type RequestOf, type ResponseInputOf, string } from '../schema.ts'

/**
 * Carries SASL tokens between SaslHandshake v1 and the end of the authentication (KIP-152). v1 KIP-368 session
 * lifetime; v2 flexible.
 */
export const SaslAuthenticate = api({
  key: 36,
  name: 'SaslAuthenticate',
  versions: '0-2',
  flexible: '2+',
  request: {
    authBytes: bytes(),
  },
  response: {
    errorCode: int16(),
    errorMessage: string({ nullable: '0+', default: null }),
    authBytes: bytes(),
    sessionLifetimeMs: int64('1+', { default: 0, ignorable: true }),
  },
})
export type SaslAuthenticateRequest = RequestOf<typeof SaslAuthenticate>
export type SaslAuthenticateResponse = ResponseInputOf<typeof SaslAuthenticate>
