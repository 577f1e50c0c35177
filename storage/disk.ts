import { ConcurrencyLimit } from './concurrency-limit.ts'
import type { Host } from './host/host.ts'

/** Larger writes are done off the loop: they would block it for too long. */
const LARGEST_HERE_BYTES = 256 * 1024
/** Bytes written on the loop in one turn, all logs of all disks together; the first write always goes ahead. */
const HERE_BYTES_PER_TURN = 512 * 1024
/** The same while there are small writes. More turns cost throughput, so it applies only while small writes gain. */
const HERE_BYTES_BESIDE_SMALL = 96 * 1024
/** After a small write, others are expected for this time. */
const SMALL_EXPECTED_MS = 100
/** Largest small write. Small writes go ahead of larger ones, which may wait for a later turn. */
const SMALL_BYTES = 8 * 1024
/** Bytes of small writes in one turn; beyond that they wait like the others. */
const SMALL_BYTES_PER_TURN = 64 * 1024

/**
 * A write on the loop that took longer met a page cache that is throttled: the disk cannot keep up. Time in which another
 * process had the processor does not count.
 */
const SLOW_HERE_MS = 5
/** How old the count of that time may be before a write: asking takes some microseconds. */
const LOOK_AGAIN_MS = 10
/** Off the loop a write may wait for a thread, and many bytes take their time on a quick disk as well. */
const SLOW_ASIDE_MS = 10
const SLOW_BYTES_PER_MS = 50_000
const FAST_ASIDE_MS = 2
const FAST_BYTES_PER_MS = 100_000

/** A slow disk counts as quick again once its writes have been fast for this time. */
const FIRST_PROOF_MS = 200
/** Each relapse costs a turn of the loop, so it doubles the time of the next proof. */
const LONGEST_PROOF_MS = 12_800
/** A disk that is slow again within this time has relapsed. */
const RELAPSE_MS = 30_000

/** The disks under the data directories. Slowness is tracked for each disk, not for each log. */
export class Disks {
  readonly #host: Host
  readonly #turns: WritingTurns
  readonly #byDirectory = new Map<string, Disk>()
  readonly #byDevice = new Map<number, Disk>()

  constructor(host: Host) {
    this.#host = host
    this.#turns = new WritingTurns(host)
  }

  /** The disk of a data directory; directories on one device share it. */
  of(directory: string): Disk {
    const known = this.#byDirectory.get(directory)
    if (known !== undefined) return known
    const device = this.#host.files.stat(directory)?.device ?? 0
    const disk = this.#byDevice.get(device) ?? new Disk(this.#host, this.#turns)
    this.#byDirectory.set(directory, disk)
    if (device !== 0) this.#byDevice.set(device, disk)
    return disk
  }
}

/** When a log last wrote much: small batches of a log that also gets large ones do not count as small writes. */
export class LogWriter {
  lastLargeMs = Number.NEGATIVE_INFINITY
}

/** Where a write is done: on the loop now, on the loop in a later turn, or off the loop. */
export type WritePlace = 'here' | 'later' | 'aside'

/**
 * What the logs of one disk share: whether it keeps up, and the places for work off the loop. A write to a quick disk is
 * done on the loop unless it is very large: there it costs half. A write that meets a throttled page cache stands still for
 * up to 200 ms, and on the loop it would stop everybody: to a slow disk nothing is written there.
 */
export class Disk {
  readonly #host: Host
  readonly #turns: WritingTurns
  readonly #largeWrites: ConcurrencyLimit
  readonly #smallWrites = new ConcurrencyLimit(() => 1)
  readonly #syncs: ConcurrencyLimit
  readonly #reads: ConcurrencyLimit
  #isSlow = false
  /** When the current run of fast writes began; undefined: the last write was not fast. */
  #fastSinceMs: number | undefined
  #proofMs = FIRST_PROOF_MS
  #quickSinceMs = Number.NEGATIVE_INFINITY

  constructor(host: Host, turns: WritingTurns) {
    this.#host = host
    this.#turns = turns
    // A second writer does not make a slow disk faster; it only takes a thread from the others.
    this.#largeWrites = new ConcurrencyLimit(() => (this.#isSlow ? 1 : 2))
    const placesForMany = () => Math.max(1, host.threads / 2 - 1)
    this.#syncs = new ConcurrencyLimit(placesForMany)
    this.#reads = new ConcurrencyLimit(placesForMany)
  }

  /** True while writes take longer than the page cache would. */
  get isSlow(): boolean {
    return this.#isSlow
  }

  /** True while a write may wait for the disk: nothing may be written on the loop. */
  get mayBlock(): boolean {
    return this.#isSlow || this.#host.writeback.isUnderWay()
  }

  /** Where to do a write of that many bytes. The answer 'here' counts against this turn. */
  placeFor(bytes: number, writer = new LogWriter()): WritePlace {
    if (bytes > LARGEST_HERE_BYTES || this.mayBlock) return 'aside'
    return this.#turns.take(bytes, writer) ? 'here' : 'later'
  }

  /** Calls back in a later turn, in order; the caller then asks again where to write. */
  later(write: () => void): void {
    this.#turns.wait(write)
  }

  /** A write on the loop. Passes on its errors. */
  writeHere(write: () => void): void {
    const { clock, loop } = this.#host
    const startMs = clock.monotonicMs()
    const withoutProcessorMs = loop.withoutProcessorMs(LOOK_AGAIN_MS)
    try {
      write()
    } finally {
      const tookMs = clock.monotonicMs() - startMs
      if (tookMs > SLOW_HERE_MS && tookMs - (loop.withoutProcessorMs(0) - withoutProcessorMs) > SLOW_HERE_MS)
        this.#learnSlow()
    }
  }

  /** A write off the loop. Small ones need not wait for large ones. */
  writeAside(bytes: number, write: () => Promise<void>): Promise<void> {
    const lane = bytes <= SMALL_BYTES ? this.#smallWrites : this.#largeWrites
    return lane.run(async () => {
      const { clock, loop } = this.#host
      const [startMs, idleMs] = [clock.monotonicMs(), loop.idleMs()]
      try {
        await write()
      } finally {
        // A loop that is busy hears late that a write has ended. One that is idle hears it at once.
        this.#noteAside(bytes, loop.idleMs() - idleMs, clock.monotonicMs() - startMs)
      }
    })
  }

  /** A sync, or other work that waits for the disk itself, off the loop. */
  sync<T>(work: () => Promise<T>): Promise<T> {
    return this.#syncs.run(work)
  }

  /** A read off the loop: however many there are, they leave threads to the writes. */
  read<T>(work: () => Promise<T>): Promise<T> {
    return this.#reads.run(work)
  }

  /** The write took at least and at most this long. */
  #noteAside(bytes: number, leastMs: number, mostMs: number): void {
    const fastMs = FAST_ASIDE_MS + bytes / FAST_BYTES_PER_MS
    if (leastMs > SLOW_ASIDE_MS + bytes / SLOW_BYTES_PER_MS) this.#learnSlow()
    else if (!this.#isSlow) return
    else if (leastMs > fastMs) this.#fastSinceMs = undefined
    else if (mostMs <= fastMs) this.#noteFast()
  }

  #learnSlow(): void {
    this.#fastSinceMs = undefined
    if (this.#isSlow) return
    this.#isSlow = true
    const quickForMs = this.#host.clock.monotonicMs() - this.#quickSinceMs
    this.#proofMs = quickForMs < RELAPSE_MS ? Math.min(LONGEST_PROOF_MS, this.#proofMs * 2) : FIRST_PROOF_MS
  }

  #noteFast(): void {
    const nowMs = this.#host.clock.monotonicMs()
    this.#fastSinceMs ??= nowMs
    if (nowMs - this.#fastSinceMs < this.#proofMs) return
    this.#isSlow = false
    this.#quickSinceMs = nowMs
  }
}

/**
 * Shares turns of the loop among writers. Each turn takes a limited number of bytes; other writers wait for a later
 * turn, in the order of asking. In between the loop serves its sockets, so that no client waits for the writes of others.
 */
class WritingTurns {
  readonly #host: Host
  readonly #waiting: (() => void)[] = []
  /** Large writes of this turn. */
  #bytes = 0
  #smallBytes = 0
  #lastSmallMs = Number.NEGATIVE_INFINITY
  #isEnding = false

  constructor(host: Host) {
    this.#host = host
  }

  take(bytes: number, writer: LogWriter): boolean {
    this.#endTurn()
    this.#note(bytes, writer)
    if (bytes <= SMALL_BYTES && this.#smallBytes + bytes <= SMALL_BYTES_PER_TURN) {
      this.#smallBytes += bytes
      return true
    }
    if (this.#bytes > 0 && this.#bytes + bytes > this.#limitBytes()) return false
    this.#bytes += bytes
    return true
  }

  #note(bytes: number, writer: LogWriter): void {
    const nowMs = this.#host.clock.monotonicMs()
    if (bytes > SMALL_BYTES) writer.lastLargeMs = nowMs
    else if (bytes > 0 && nowMs - writer.lastLargeMs >= SMALL_EXPECTED_MS) this.#lastSmallMs = nowMs
  }

  #limitBytes(): number {
    const sinceSmallMs = this.#host.clock.monotonicMs() - this.#lastSmallMs
    return sinceSmallMs < SMALL_EXPECTED_MS ? HERE_BYTES_BESIDE_SMALL : HERE_BYTES_PER_TURN
  }

  wait(write: () => void): void {
    this.#waiting.push(write)
    this.#endTurn()
  }

  /** Waiting writers come first in the next turn. */
  #endTurn(): void {
    if (this.#isEnding) return
    this.#isEnding = true
    this.#host.timers.atTurnEnd(() => {
      this.#isEnding = false
      this.#bytes = 0
      this.#smallBytes = 0
      // Writers without room wait again, before those not yet called.
      const waiting = this.#waiting.splice(0)
      try {
        while (waiting.length > 0 && this.#waiting.length === 0) waiting.shift()!()
      } finally {
        this.#waiting.push(...waiting)
        if (this.#waiting.length > 0) this.#endTurn()
      }
    })
  }
}
