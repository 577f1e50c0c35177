import type { VerificationGuard, VerifiedProducer } from '../partition-log.ts'

/**
 * The transaction coordinator is being asked, or was, whether a producer has a transaction with this log's partition.
 * It is its own guard. Source: VerificationStateEntry.
 */
export class Verification implements VerificationGuard {
  readonly producerId: number
  readonly bumpsEpoch: boolean
  readonly beganMs: number
  /** The largest that began it. */
  producerEpoch: number
  /** The smallest that began it in that epoch. The first batch must not have a larger one. */
  lowestSequence: number

  constructor({ producerId, producerEpoch, baseSequence, bumpsEpoch }: VerifiedProducer, nowMs: number) {
    this.producerId = producerId
    this.bumpsEpoch = bumpsEpoch
    this.beganMs = nowMs
    this.producerEpoch = producerEpoch
    this.lowestSequence = baseSequence
  }

  /** Another batch of the producer waits for the same verification. */
  join({ producerEpoch, baseSequence }: VerifiedProducer): void {
    if (producerEpoch < this.producerEpoch) return
    const isSameEpoch = producerEpoch === this.producerEpoch
    this.lowestSequence = isSameEpoch ? Math.min(this.lowestSequence, baseSequence) : baseSequence
    this.producerEpoch = producerEpoch
  }
}

/** Transactional batch, as far as it ends a verification. */
interface EndingBatch {
  readonly producerId: number
  readonly producerEpoch: number
  readonly isControl: boolean
}

/**
 * Verifications of one log (KIP-890), at most one a producer. In memory only: after a restart they begin anew. Source:
 * ProducerStateManager.
 */
export class Verifications {
  readonly #byProducer = new Map<number, Verification>()

  find(producerId: number): Verification | undefined {
    return this.#byProducer.get(producerId)
  }

  begin(producer: VerifiedProducer, nowMs: number): Verification {
    let verification = this.#byProducer.get(producer.producerId)
    if (verification === undefined) {
      verification = new Verification(producer, nowMs)
      this.#byProducer.set(producer.producerId, verification)
    } else verification.join(producer)
    return verification
  }

  /** A transactional batch of the producer was appended. */
  appended(batch: EndingBatch): void {
    const verification = this.#byProducer.get(batch.producerId)
    if (verification !== undefined && !isOfNext(verification, batch)) this.#byProducer.delete(batch.producerId)
  }

  removeExpired(nowMs: number, expirationMs: number): void {
    for (const [producerId, { beganMs }] of this.#byProducer) {
      if (nowMs - beganMs >= expirationMs) this.#byProducer.delete(producerId)
    }
  }
}

/**
 * True if a marker is late and the verification is of the producer's next transaction: the marker has bumped the epoch
 * to that of the next transaction. Source: UnifiedLog.updateProducers.
 */
function isOfNext(verification: Verification, { producerEpoch, isControl }: EndingBatch): boolean {
  return verification.bumpsEpoch && isControl && producerEpoch === verification.producerEpoch
}
