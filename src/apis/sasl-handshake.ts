import { SaslHandshake } from '../../protocol/apis/sasl-handshake.ts'
import { errorCode } from '../../protocol/error-codes.ts'
import { handler } from './handler.ts'

/**
 * Refuses with ILLEGAL_SASL_STATE: authentication ends before requests are dispatched, and a plaintext listener has
 * none. Source: KafkaApis.
 */
export const saslHandshake = handler(SaslHandshake, () => ({
  errorCode: errorCode('ILLEGAL_SASL_STATE'),
  mechanisms: [],
}))
