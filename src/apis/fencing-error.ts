import { errorCode, type Rejection } from '../../protocol/error-codes.ts'

/** Error code for a client: PRODUCER_FENCED is INVALID_PRODUCER_EPOCH to versions before the given one (KIP-588). */
export function fencingError({ error, code }: Rejection, apiVersion: number, fencedVersion: number): number {
  return error === 'PRODUCER_FENCED' && apiVersion < fencedVersion ? errorCode('INVALID_PRODUCER_EPOCH') : code
}
