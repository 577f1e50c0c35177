import type { Logger } from './observe/logger.ts'

/** Undoes one step of a start. */
export type Undo = () => void | Promise<void>

/** The steps of a start, to be undone in reverse order. */
export class StartSteps {
  readonly #steps: Undo[] = []
  readonly #logger: Logger

  constructor(logger: Logger) {
    this.#logger = logger
  }

  push(undo: Undo): void {
    this.#steps.push(undo)
  }

  /** Undoes every step, also after one has failed. Throws the first failure at the end. Safe to call twice. */
  async undo(): Promise<void> {
    const failures: unknown[] = []
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      try {
        await step()
      } catch (error) {
        failures.push(error)
        this.#logger.error({ err: error }, 'a part of the broker did not stop')
      }
    }
    if (failures.length > 0) throw failures[0]
  }
}
