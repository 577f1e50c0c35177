const LINE_EVERY_MS = 60_000
const REDRAW_EVERY_MS = 200

/** Progress of a long run on stderr: one line that is redrawn on a terminal, otherwise a line per minute. */
export class Progress {
  readonly #isTerminal = process.stderr.isTTY === true
  #shownMs = 0

  /** Shows the text unless another was shown a moment ago. */
  show(text: string): void {
    const nowMs = performance.now()
    if (nowMs - this.#shownMs < (this.#isTerminal ? REDRAW_EVERY_MS : LINE_EVERY_MS)) return
    this.#shownMs = nowMs
    this.clear()
    process.stderr.write(this.#isTerminal ? text : `${text}\n`)
  }

  /** Always shows the text: a new step. */
  step(text: string): void {
    this.#shownMs = Number.NEGATIVE_INFINITY
    this.show(text)
  }

  /** Clears the line before permanent output. */
  clear(): void {
    if (this.#isTerminal) process.stderr.write('\r\x1b[K')
  }
}
