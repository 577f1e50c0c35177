import { isRejection, type Rejection } from '../../protocol/error-codes.ts'
import type { AppendContext, AppendRejection, AppendResult } from '../partition-log.ts'
import type { Sliced, SlicedWork, WorkUnderWay } from '../sliced-work.ts'
import type { ValidatedBatches } from './validate-batches.ts'

type Outcome = AppendResult | AppendRejection
type Plan = ValidatedBatches | AppendRejection

/** The log, as the append order sees it. */
export interface OrderedAppends {
  validate(records: Buffer, context: AppendContext): Sliced<Plan>
  /** Why appends are refused now. */
  refusal(): Rejection | undefined
  /** Stages a validated append, in the same turn. */
  stage(plan: ValidatedBatches, context: AppendContext): Promise<Outcome>
}

interface Waiting {
  readonly records: Buffer
  readonly context: AppendContext
  readonly resolve: (outcome: Outcome | Promise<Outcome>) => void
  readonly reject: (error: unknown) => void
}

/**
 * Keeps the appends of one log in their order of arrival. Nearly all are validated and staged at once. Behind one with
 * much to decompress the others wait, so that offsets follow the order of the calls. When an append's turn comes, it is
 * checked again whether the log takes appends, and who leads. Each waiting append holds its request's memory, so the
 * bytes that connections may have in flight bound them.
 */
export class AppendOrder {
  readonly #appends: OrderedAppends
  readonly #slicedWork: SlicedWork
  readonly #waiting: Waiting[] = []
  #underWay: WorkUnderWay<Plan> | undefined

  constructor(appends: OrderedAppends, slicedWork: SlicedWork) {
    this.#appends = appends
    this.#slicedWork = slicedWork
  }

  get isIdle(): boolean {
    return this.#waiting.length === 0
  }

  append(records: Buffer, context: AppendContext): Promise<Outcome> {
    if (!this.isIdle) return this.#wait(records, context, undefined)
    try {
      const work = this.#appends.validate(records, context)
      const { value, done } = work.next()
      if (done !== true) return this.#wait(records, context, work)
      const plan = value as Plan
      return isRejection(plan) ? Promise.resolve(plan) : this.#appends.stage(plan, context)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** Refuses all waiting appends: the log is closed or deleted. */
  refuse(refusal: Rejection): void {
    this.#underWay?.cancel()
    this.#underWay = undefined
    for (const waiting of this.#waiting.splice(0)) settle(waiting, () => waiting.resolve(noLeader(waiting) ?? refusal))
  }

  #wait(records: Buffer, context: AppendContext, work: Sliced<Plan> | undefined): Promise<Outcome> {
    context.lease?.retain()
    return new Promise((resolve, reject) => {
      this.#waiting.push({ records, context, resolve, reject })
      if (work !== undefined) this.#lookInto(this.#waiting[0]!, work)
    })
  }

  #lookInto(first: Waiting, work: Sliced<Plan>): void {
    const underWay = this.#slicedWork.run(work)
    this.#underWay = underWay
    // An append refused meanwhile has been answered already.
    const isStill = () => this.#underWay === underWay
    underWay.result.then(
      (plan) => isStill() && this.#goOn(first, plan),
      (error) => isStill() && this.#fail(first, error),
    )
  }

  /** Finishes the first append, and those behind it that can be validated at once. */
  #goOn(first: Waiting, plan: Plan): void {
    this.#underWay = undefined
    this.#finish(first, plan)
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      const work = this.#appends.validate(next.records, next.context)
      try {
        const { value, done } = work.next()
        if (done !== true) {
          this.#lookInto(next, work)
          return
        }
        this.#finish(next, value as Plan)
      } catch (error) {
        this.#waiting.shift()
        settle(next, () => next.reject(error))
      }
    }
  }

  #fail(first: Waiting, error: unknown): void {
    this.#underWay = undefined
    this.#waiting.shift()
    settle(first, () => first.reject(error))
    const next = this.#waiting[0]
    if (next !== undefined) this.#lookInto(next, this.#appends.validate(next.records, next.context))
  }

  #finish(waiting: Waiting, plan: Plan): void {
    this.#waiting.shift()
    settle(waiting, () => waiting.resolve(this.#outcome(waiting, plan)))
  }

  #outcome({ context }: Waiting, plan: Plan): AppendRejection | Promise<Outcome> {
    const leaderEpoch = context.epochNow?.() ?? context.leaderEpoch
    if (typeof leaderEpoch !== 'number') return leaderEpoch
    const refusal = this.#appends.refusal()
    if (refusal !== undefined) return refusal
    return isRejection(plan) ? plan : this.#appends.stage(plan, { ...context, leaderEpoch })
  }
}

function noLeader({ context }: Waiting): Rejection | undefined {
  const epoch = context.epochNow?.()
  return typeof epoch === 'number' ? undefined : epoch
}

/** Staged data has its own leases by then. */
function settle({ context }: Waiting, answer: () => void): void {
  answer()
  context.lease?.release()
}
