import type { GroupClient } from './coordinator-client.ts'
import { ConnectionLost } from './simulated-broker.ts'
import type { Turns } from './turns.ts'

/** Another broker coordinates, or none does now. */
const astray: ReadonlySet<string> = new Set(['NOT_COORDINATOR', 'COORDINATOR_NOT_AVAILABLE'])
/** It works later. */
const passing: ReadonlySet<string> = new Set([
  ...['COORDINATOR_LOAD_IN_PROGRESS', 'CONCURRENT_TRANSACTIONS', 'UNSTABLE_OFFSET_COMMIT'],
  ...['REQUEST_TIMED_OUT', 'UNKNOWN_TOPIC_OR_PARTITION', 'REBALANCE_IN_PROGRESS'],
])

/** A client was refused, and the same request would be refused again. */
export class Refused extends Error {
  override readonly name = 'Refused'
  readonly error: string
  /** The reason was looked for and found. */
  readonly isFounded: boolean

  constructor(error: string, isFounded = false) {
    super(error)
    this.error = error
    this.isFounded = isFounded
  }
}

/**
 * Sends a request again and again until it is answered with NONE, and looks for the coordinator where it must. Throws
 * Refused for any other answer. lost: called for each request without answer.
 */
export async function untilAnswered<T>(
  turns: Turns,
  client: GroupClient,
  ask: () => Promise<T>,
  errorOf: (answer: T) => string,
  lost: () => void = () => {},
): Promise<T> {
  await turns.maybe()
  for (;;) {
    const answer = await answerOf(ask)
    if (answer === undefined) lost()
    const error = answer === undefined ? 'NOT_COORDINATOR' : errorOf(answer.value)
    if (error === 'NONE') return answer!.value
    if (!astray.has(error) && !passing.has(error)) throw new Refused(error)
    // If nobody tells, the last known coordinator is asked again.
    if (astray.has(error)) await answerOf(() => client.lookAgain())
    await turns.next()
  }
}

/** Undefined if the connection or the broker ended before it answered. */
export async function answerOf<T>(ask: () => Promise<T>): Promise<{ readonly value: T } | undefined> {
  try {
    return { value: await ask() }
  } catch (error) {
    if (error instanceof ConnectionLost) return undefined
    throw error
  }
}
