import type { Clock, Writeback } from './host.ts'
import { ProcFile } from './node-proc-file.ts'

const VMSTAT_BYTES = 16_384
/** A look takes 20 us. */
const LOOK_AGAIN_MS = 10
/** Fewer pages under writeback are those of a few small files, soon over. */
const MUCH_PAGES = 1024
/** Share of the threshold at which the kernel begins; writes between two looks take it further. */
const NEARLY = 0.97

/** Asks the Linux kernel; elsewhere it is never known. One for the whole process: it keeps a file open. */
export class NodeWriteback implements Writeback {
  readonly #clock: Clock
  readonly #vmstat = new ProcFile('/proc/vmstat', VMSTAT_BYTES)
  #isUnderWay = false
  #lookedMs = Number.NEGATIVE_INFINITY

  constructor(clock: Clock) {
    this.#clock = clock
  }

  isUnderWay(): boolean {
    const nowMs = this.#clock.monotonicMs()
    if (nowMs - this.#lookedMs < LOOK_AGAIN_MS) return this.#isUnderWay
    this.#lookedMs = nowMs
    // Where nothing is told, a slow write tells (disk.ts).
    this.#isUnderWay = isWritingBack(this.#vmstat.read())
    return this.#isUnderWay
  }
}

/** True: the kernel writes back much, or is about to. `vmstat`: text of /proc/vmstat. */
export function isWritingBack(vmstat: string): boolean {
  const writeback = pagesOf('nr_writeback', vmstat)
  const threshold = pagesOf('nr_dirty_background_threshold', vmstat)
  if (writeback >= MUCH_PAGES) return true
  return threshold > 0 && pagesOf('nr_dirty', vmstat) + writeback >= NEARLY * threshold
}

/** 0 if it is not there. */
function pagesOf(name: string, vmstat: string): number {
  const at = vmstat.indexOf(`${name} `)
  return at < 0 ? 0 : Number.parseInt(vmstat.slice(at + name.length + 1, at + name.length + 20), 10)
}
