import { SaslHandshake } from '../../protocol/apis/sasl-handshake.ts'
import { errorCode } from '../../protocol/error-codes.ts'
import { handler } from './handler.ts'

/** Authentication is over once requests are dispatched: on a plaintext listener it never begins. Source: KafkaApis. */
export const saslHandshake = handler(SaslHandshake, () => ({
  errorCode: errorCode('ILLEGAL_SASL_STATE'),
  mechanisms: [],
}))
