import type { Slices } from '../../storage/host/turn-slices.ts'
import type { Exchange } from './exchange.ts'

/** Ends a request whose client has disconnected or whose broker stops. */
export class AbandonedError extends Error {
  override readonly name = 'AbandonedError'
}

/** Slices of one request's work. Between two slices the work ends if the client has disconnected. */
export class RequestSlices implements Slices {
  readonly #turns: Slices
  readonly #exchange: Pick<Exchange, 'isAbandoned'>

  constructor(turns: Slices, exchange: Pick<Exchange, 'isAbandoned'>) {
    this.#turns = turns
    this.#exchange = exchange
  }

  next(): Promise<void> | undefined {
    return this.#turns.next()?.then(() => {
      if (this.#exchange.isAbandoned) throw new AbandonedError('the client has disconnected')
    })
  }
}
