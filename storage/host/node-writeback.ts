import fs from 'node:fs'
import type { Clock, Writeback } from './host.ts'

const VMSTAT = '/proc/vmstat'
const VMSTAT_BYTES = 16_384
/** A look takes 20 us. */
const LOOK_AGAIN_MS = 10
/** Fewer pages under writeback are those of a few small files, soon over. */
const MUCH_PAGES = 1024
/** Share of the threshold at which the kernel begins; writes between two looks take it further. */
const NEARLY = 0.97

/** Asks the Linux kernel; elsewhere it is never known. */
export class NodeWriteback implements Writeback {
  readonly #clock: Clock
  /** Undefined: the system does not tell. */
  readonly #descriptor = openVmstat()
  readonly #bytes = Buffer.alloc(VMSTAT_BYTES)
  #isUnderWay = false
  #lookedMs = Number.NEGATIVE_INFINITY

  constructor(clock: Clock) {
    this.#clock = clock
  }

  isUnderWay(): boolean {
    if (this.#descriptor === undefined) return false
    const nowMs = this.#clock.monotonicMs()
    if (nowMs - this.#lookedMs < LOOK_AGAIN_MS) return this.#isUnderWay
    this.#lookedMs = nowMs
    const length = fs.readSync(this.#descriptor, this.#bytes, 0, VMSTAT_BYTES, 0)
    this.#isUnderWay = isWritingBack(this.#bytes.toString('latin1', 0, length))
    return this.#isUnderWay
  }
}

function openVmstat(): number | undefined {
  if (process.platform !== 'linux') return undefined
  try {
    return fs.openSync(VMSTAT, 'r')
  } catch {
    // Some containers hide it: a slow write tells, too (disk.ts).
    return undefined
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
