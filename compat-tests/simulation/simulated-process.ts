import { StorageLostError } from '../../storage/failure-policy.ts'
import { SimulatedCrash } from '../../storage/host/faulty-files.ts'
import type { SimulatedHost } from '../../storage/host/simulated-host.ts'
import { CheckFailed } from './storage-model.ts'
import type { Trace } from './trace.ts'

/** What the brokers of a process do to their clients. */
interface ProcessWorld {
  /** The disk fails: the brokers may end the process. */
  readonly isFailing: boolean
  readonly counts: { lostDisks: number }
  /** First failure in a place that cannot throw to a caller. */
  readonly failure: unknown
  fail(error: unknown): void
}

/**
 * The process of the simulated brokers. It ends with its machine, in the middle of a change to a file, or on its own if
 * its last data directory fails; whatever else ends it is a failure.
 */
export class SimulatedProcess {
  readonly #host: SimulatedHost
  readonly #trace: Trace
  readonly #world: () => ProcessWorld

  /** world: called once there is one. */
  constructor(host: SimulatedHost, trace: Trace, world: () => ProcessWorld) {
    this.#host = host
    this.#trace = trace
    this.#world = world
    const { fatal } = host
    host.fatal = (reason) => {
      if (!this.#endsFor(reason)) fatal(reason)
    }
  }

  /** Whether it has ended, until it is started again. */
  get hasEnded(): boolean {
    return this.#host.files.crashed
  }

  /** What the disk did in this run of the simulation. */
  get diskCounts(): Record<string, number> {
    const { files, memory } = this.#host
    const { crash: endsMidway, ...faults } = files.struck
    return {
      ...faults,
      endsMidway,
      pathFaultsStruck: files.pathFaultsStruck,
      fullWrites: memory.refusals,
      ...memory.losses,
    }
  }

  /** True: the brokers end it for a valid reason. */
  #endsFor(reason: Error): boolean {
    if (reason instanceof SimulatedCrash) return true
    const world = this.#world()
    if (!(reason instanceof StorageLostError) || !world.isFailing) return false
    this.#trace({ reason: reason.message }, 'the broker ends itself')
    world.counts.lostDisks++
    this.#host.files.crashed = true
    return true
  }

  /** An error that nothing catches: a real process would have ended. */
  ended(reason: unknown): void {
    if (!(reason instanceof SimulatedCrash) && !this.hasEnded) this.#world().fail(reason)
  }

  /** Throws if something failed where nobody noticed. */
  check(): void {
    const { failure } = this.#world()
    if (failure !== undefined) throw failure
    if (this.#host.fatalReason !== undefined) throw this.#host.fatalReason
  }

  /** Runs a task. If the process ends during it, that is no failure of the task. */
  async guarded(task: () => Promise<unknown>): Promise<void> {
    try {
      await task()
    } catch (error) {
      if (error instanceof CheckFailed || !this.hasEnded) throw error
    }
  }
}
