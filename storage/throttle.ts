import type { Host } from './host/host.ts'

/** Work in the background at no more than a number of bytes a second, all that shares the throttle together. */
export class Throttle {
  readonly #host: Pick<Host, 'clock' | 'timers'>
  readonly #bytesPerSecond: () => number
  /** Ends the current pauses. */
  readonly #wake = new Set<() => void>()
  /** Bytes that may pass before the next pause. */
  #allowance = 0
  #allowanceSinceMs = 0

  /** bytesPerSecond: asked for at each piece of work, as it may change; at or above 2^53 - 1: not limited; 0: nothing passes. */
  constructor(host: Pick<Host, 'clock' | 'timers'>, bytesPerSecond: () => number) {
    this.#host = host
    this.#bytesPerSecond = bytesPerSecond
  }

  /** Resolves when work of that many bytes may begin. What may pass in a second is given at its start. */
  async pass(sizeBytes: number): Promise<void> {
    const perSecond = this.#bytesPerSecond()
    if (perSecond >= Number.MAX_SAFE_INTEGER) return
    const nowMs = this.#host.clock.monotonicMs()
    const gained = ((nowMs - this.#allowanceSinceMs) * perSecond) / 1000
    this.#allowance = Math.min(perSecond, this.#allowance + gained)
    this.#allowanceSinceMs = nowMs
    this.#allowance -= sizeBytes
    if (this.#allowance < 0) await this.#pause((-this.#allowance * 1000) / perSecond)
  }

  /** pauseMs: Infinity lasts until `wake`. */
  #pause(pauseMs: number): Promise<void> {
    return new Promise<void>((resolve) => {
      const end = (): void => {
        this.#wake.delete(end)
        timer?.cancel()
        resolve()
      }
      const timer = Number.isFinite(pauseMs) ? this.#host.timers.after(pauseMs, end) : undefined
      this.#wake.add(end)
    })
  }

  /** Ends all pauses: the limit changed, or the work that waits has to end. */
  wake(): void {
    for (const end of [...this.#wake]) end()
  }
}
