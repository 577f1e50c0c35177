import { api, array, int16, type RequestOf, type ResponseInputOf, string } from '../schema.ts'

/**
 * Chooses the SASL mechanism. After v0 the tokens are sent without headers, after v1 in SaslAuthenticate (KIP-152).
 * Never flexible: old clients cannot negotiate a version here.
 */
export const SaslHandshake = api({
  key: 17,
  name: 'SaslHandshake',
  versions: '0-1',
  flexible: 'none',
  request: {
    mechanism: string(),
  },
  response: {
    errorCode: int16(),
    mechanisms: array(string()),
  },
})
export type SaslHandshakeRequest = RequestOf<typeof SaslHandshake>
export type SaslHandshakeResponse = ResponseInputOf<typeof SaslHandshake>
