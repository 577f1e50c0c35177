import { SeededRandom } from '../../storage/host/seeded-random.ts'
import { watchAllocations } from './allocation-meter.ts'
import { type Counts, Finding, type FuzzKind, mixed, type Subject } from './kind.ts'
import type { LongTurn } from './long-turns.ts'

/** A case that broke a rule. */
export interface FailedCase {
  readonly kind: string
  readonly seed: number
  readonly index: number
  readonly why: string
  /** Last input sent or decoded, in hex; truncated if long. */
  readonly input: string
}

/** Called with each case before it runs, its bytes before they are used, and its outcome. */
export interface Observer {
  began(index: number): void
  input(bytes: Buffer): void
  ended(counts: Counts): void
  /** Called with the case's longest turn of the event loop, if its kind measures turns. */
  turned?(turn: LongTurn): void
  failed(failure: FailedCase): void
}

/** Limit of a case's processor time; a few milliseconds are usual. */
const CPU_LIMIT_MS = 3000
/** Cases per turn of the event loop: native memory (zlib streams) is freed only between turns. */
const CASES_A_TURN = 50
const HEX_BYTES = 64 * 1024

/** Uncaught errors since the last check. */
const uncaughtErrors: unknown[] = []
/** Counts uncaught errors as failures of the current case. Needs a separate thread. */
export function catchUncaughtErrors(): void {
  process.on('uncaughtException', (error) => uncaughtErrors.push(error))
  process.on('unhandledRejection', (error) => uncaughtErrors.push(error))
}

/** Runs cases from `first` up to but not including `end`. Earlier cases of the first round run too, but are not counted. */
export async function runCases(
  kind: FuzzKind,
  seed: number,
  { first, end }: { readonly first: number; readonly end: number },
  observer: Observer,
): Promise<void> {
  const start = first - (first % kind.roundCases)
  const runner = new Runner(kind, seed, observer)
  for (let index = start; index < end; index++) {
    await runner.run(index, index >= first)
    if (index % CASES_A_TURN === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  await runner.close(end - 1)
}

class Runner {
  readonly #kind: FuzzKind
  readonly #seed: number
  readonly #observer: Observer
  #subject: Subject | undefined
  #input: Buffer = Buffer.alloc(0)

  constructor(kind: FuzzKind, seed: number, observer: Observer) {
    this.#kind = kind
    this.#seed = seed
    this.#observer = observer
  }

  async run(index: number, counts: boolean): Promise<void> {
    const { name, roundCases, open } = this.#kind
    if (index % roundCases === 0) await this.close(index - 1)
    this.#observer.began(index)
    try {
      this.#subject ??= await open(mixed(this.#seed, name, 'round', Math.floor(index / roundCases)))
      const seen = await this.#measured(this.#subject, new SeededRandom(mixed(this.#seed, name, index)))
      const cpuMs = this.#subject.takeLongestTurnMs?.()
      if (!counts) return
      this.#observer.ended(seen)
      if (cpuMs !== undefined) this.#observer.turned?.({ kind: name, index, cpuMs })
    } catch (error) {
      // The subject may be broken: the next case gets a new one.
      this.#subject = undefined
      this.#fail(index, error)
    }
  }

  /** Ends a round. */
  async close(index: number): Promise<void> {
    const subject = this.#subject
    this.#subject = undefined
    try {
      await subject?.close?.()
    } catch (error) {
      this.#fail(index, error)
    }
  }

  #fail(index: number, error: unknown): void {
    const input = this.#input.toString('hex', 0, HEX_BYTES)
    const why = error instanceof Finding ? error.message : `${(error as Error).stack ?? error}`
    this.#observer.failed({ kind: this.#kind.name, seed: this.#seed, index, why, input })
  }

  async #measured(subject: Subject, random: SeededRandom): Promise<Counts> {
    this.#input = Buffer.alloc(0)
    const allocations = watchAllocations()
    const before = process.cpuUsage()
    const running = subject.run(random, (bytes) => {
      this.#input = bytes
      this.#observer.input(bytes)
    })
    const counts = running instanceof Promise ? await running : running
    const { user, system } = process.cpuUsage(before)
    if (uncaughtErrors.length > 0) throw uncaughtErrors.splice(0)[0]
    const cpuMs = (user + system) / 1000
    if (cpuMs > CPU_LIMIT_MS) throw new Finding(`the case took ${Math.round(cpuMs)} ms of processor time`)
    const limit = this.#kind.allocationLimit(this.#input.length)
    const allocated = allocations.bytes()
    if (allocated > limit) throw new Finding(`the case allocated buffers of ${allocated} bytes, ${limit} at most`)
    return counts
  }
}
