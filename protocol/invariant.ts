/** A fact that the broker relies on did not hold: a bug or a broken machine, never something that a client sent. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError'
}

/** Throws InvariantError unless the condition holds. Whoever catches it stops the broker: a wrong answer is worse. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new InvariantError(message)
}
