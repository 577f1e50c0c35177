import { invariant } from './invariant.ts'

/**
 * Work that pauses for the event loop. Yields what it did since the last yield, in bytes that the slowest codec
 * decompresses in that time, or a promise that it waits for.
 */
export type Steps<T> = Generator<number | Promise<unknown>, T, void>

/** Runs all steps at once. The work must not wait for anything. */
export function completed<T>(steps: Steps<T>): T {
  for (;;) {
    const { value, done } = steps.next()
    if (done === true) return value
    invariant(typeof value === 'number', 'work that waits cannot be done at once')
  }
}

/** Work of one step, in bytes. */
export const STEP_BYTES = 65_536
/** What a record costs besides its bytes. */
export const RECORD_COST_BYTES = 32
