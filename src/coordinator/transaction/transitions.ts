import type { Rejection } from '../../../protocol/error-codes.ts'
import type { Transaction } from './transaction.ts'

/** What a decision about a transactional id may use. */
export interface TransitionContext {
  readonly nowMs: number
  /** Level of the feature transaction.version (KIP-890). */
  readonly featureLevel: number
  /** A new producer id; undefined if none is at hand. */
  takeProducerId(): number | undefined
}

/** No producer id is at hand: decide again when there is one. */
export const NEEDS_PRODUCER_ID = 'needs producer id'

/** The new state of a transactional id; undefined: it stays as it is. */
export interface Transition {
  readonly next: Transaction | undefined
}
export type Transitioned = Transition | Rejection | typeof NEEDS_PRODUCER_ID

export const unchanged: Transition = { next: undefined }

/** A producer as a client names it. Without an id: id and epoch are -1. */
export interface Producer {
  readonly producerId: number
  readonly producerEpoch: number
}

/** Level 0 of transaction.version has records without the version of the client. */
export function isStorable(clientTransactionVersion: number, featureLevel: number): boolean {
  return clientTransactionVersion === 0 || featureLevel > 0
}
