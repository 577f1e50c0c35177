const LINE_EVERY_MS = 60_000
const REDRAW_EVERY_MS = 200

/** What a long run is at, on stderr: one line that is drawn over and over on a terminal, a line a minute anywhere else. */
export class Progress {
  readonly #isTerminal = process.stderr.isTTY === true
  #shownMs = 0

  /** Shows it unless something was shown a moment ago. */
  show(text: string): void {
    const nowMs = performance.now()
    if (nowMs - this.#shownMs < (this.#isTerminal ? REDRAW_EVERY_MS : LINE_EVERY_MS)) return
    this.#shownMs = nowMs
    this.clear()
    process.stderr.write(this.#isTerminal ? text : `${text}\n`)
  }

  /** Shows it in any case: a step of its own. */
  step(text: string): void {
    this.#shownMs = Number.NEGATIVE_INFINITY
    this.show(text)
  }

  /** Makes room for what is there to stay. */
  clear(): void {
    if (this.#isTerminal) process.stderr.write('\r\x1b[K')
  }
}
