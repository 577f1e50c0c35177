import { createHash, createHmac } from 'node:crypto'
import type { ScramCredential } from '../metadata/metadata-image.ts'

/** Hash functions by Kafka's ScramMechanism ids. */
const hashes: Readonly<Record<number, 'sha256' | 'sha512'>> = { 1: 'sha256', 2: 'sha512' }
const FEWEST_ITERATIONS = 4096
const MOST_ITERATIONS = 16_384

export function isScramMechanism(mechanism: number): boolean {
  return hashes[mechanism] !== undefined
}

/** Kafka's message for an iteration count that is not allowed; undefined if it is. Source: ScramControlManager. */
export function iterationsFault(iterations: number): string | undefined {
  if (iterations < FEWEST_ITERATIONS) return 'Too few iterations'
  return iterations > MOST_ITERATIONS ? 'Too many iterations' : undefined
}

/** The credential stored for a salted password (RFC 5802, section 3). The mechanism must be known. */
export function scramCredential(
  mechanism: number,
  { salt, iterations, saltedPassword }: { salt: Buffer; iterations: number; saltedPassword: Buffer },
): ScramCredential {
  const hash = hashes[mechanism] as 'sha256' | 'sha512'
  const clientKey = createHmac(hash, saltedPassword).update('Client Key').digest()
  return {
    iterations,
    salt: Buffer.from(salt),
    storedKey: createHash(hash).update(clientKey).digest(),
    serverKey: createHmac(hash, saltedPassword).update('Server Key').digest(),
  }
}
