/** The broker relied on a fact that did not hold: a bug or a broken machine, never a client's input. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError'
}

/** Throws InvariantError unless the condition holds. The handler stops the broker: a wrong answer would be worse. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new InvariantError(message)
}
