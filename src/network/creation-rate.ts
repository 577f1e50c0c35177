/** Time over which a rate is measured: quota.window.num windows of quota.window.size.seconds each. */
export interface RateWindows {
  readonly count: number
  readonly sizeMs: number
}

interface Sample {
  readonly startMs: number
  count: number
}

/**
 * Limits the rate of new connections. A burst within the bound of all windows passes at once; after that each
 * connection is delayed. Source: ConnectionQuotas, with the formulas of Rate and QuotaUtils.
 */
export class CreationRate {
  #samples: Sample[] = []

  /**
   * Counts a connection created now. Returns the milliseconds it must wait to keep the bound (connections per second).
   */
  record(nowMs: number, boundPerSecond: number, windows: RateWindows): number {
    this.#forgetBefore(nowMs - windows.count * windows.sizeMs)
    const newest = this.#samples.at(-1)
    if (newest === undefined || nowMs - newest.startMs >= windows.sizeMs)
      this.#samples.push({ startMs: nowMs, count: 1 })
    else newest.count++
    const spanMs = this.#spanMs(nowMs, windows)
    const count = this.#samples.reduce((sum, sample) => sum + sample.count, 0)
    const rate = count / (spanMs / 1000)
    if (rate <= boundPerSecond) return 0
    // With a bound of 0, one connection passes per window.
    return Math.min(windows.sizeMs, Math.round(((rate - boundPerSecond) / boundPerSecond) * spanMs))
  }

  #forgetBefore(startMs: number): void {
    this.#samples = this.#samples.filter((sample) => sample.startMs > startMs)
  }

  /** Time span of the samples. All windows but the last count as full, even if the first sample is recent. */
  #spanMs(nowMs: number, { count, sizeMs }: RateWindows): number {
    const elapsedMs = nowMs - (this.#samples[0] as Sample).startMs
    const missing = Math.max(0, count - 1 - Math.floor(elapsedMs / sizeMs))
    return Math.max(1, elapsedMs + missing * sizeMs)
  }
}
