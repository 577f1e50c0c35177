import { SaslAuthenticate } from '../../protocol/apis/sasl-authenticate.ts'
import { errorCode } from '../../protocol/error-codes.ts'
import { handler } from './handler.ts'

/** Refuses with ILLEGAL_SASL_STATE, like SaslHandshake. Source: KafkaApis.handleSaslAuthenticateRequest. */
export const saslAuthenticate = handler(SaslAuthenticate, () => ({
  errorCode: errorCode('ILLEGAL_SASL_STATE'),
  errorMessage: 'SaslAuthenticate request received after successful authentication',
  authBytes: Buffer.alloc(0),
}))
