import { leaseOf } from '../../protocol/buffer-pool.ts'
import { contiguous, type GatheredBytes } from '../../protocol/byte-writer.ts'
import type { ConnectionInfo, Exchange } from './exchange.ts'

/** A request that did not come from the network. */
export class InjectedExchange implements Exchange {
  readonly connection: ConnectionInfo
  readonly frame
  /**
   * The response message; undefined if there is none. Rejects if a connection would be closed, or if the request is
   * abandoned.
   */
  readonly answer: Promise<Buffer | undefined>
  isAbandoned = false
  readonly #abandoned = new Set<() => void>()
  #resolve!: (answer: Buffer | undefined) => void
  #reject!: (error: Error) => void

  /** message: the request without its size field. */
  constructor(connection: ConnectionInfo, message: Buffer) {
    this.connection = connection
    this.frame = leaseOf(message)
    this.answer = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  /** Does nothing: there is only one request. */
  orderFixed(): void {}

  onAbandoned(callback: () => void): () => void {
    if (this.isAbandoned) callback()
    else this.#abandoned.add(callback)
    return () => this.#abandoned.delete(callback)
  }

  reply(frame: GatheredBytes | undefined, written?: () => void): void {
    const answer = frame === undefined ? undefined : Buffer.from(contiguous(frame).subarray(4))
    written?.()
    this.#resolve(answer)
  }

  fail(reason: string): void {
    this.#reject(new Error(reason))
  }

  /** Rejects the answer: the broker stops. */
  abandon(): void {
    this.isAbandoned = true
    for (const callback of this.#abandoned) callback()
    this.#abandoned.clear()
    this.fail('the broker was stopped')
  }
}
