import type { CopyClient } from './copy-clients.ts'
import { CopyProcess } from './copy-process.ts'
import type { CopyTask } from './copy-task.ts'

/** More than there is. */
const ENDLESS = 1_000_000
const ABORT_EVERY = 5
/** A client that may hang does, if it says nothing for so long while there is something to copy. */
const HANGS_MS = 30_000

/** A client with settings of its consumer. */
export interface CopyVariant {
  readonly client: CopyClient
  readonly settings: readonly string[]
}

/** Each client with each group protocol that it has. */
export function variantsOf(clients: readonly CopyClient[]): readonly CopyVariant[] {
  return clients.flatMap((client) => [
    { client, settings: [] },
    ...(client.consumerProtocol === undefined ? [] : [{ client, settings: client.consumerProtocol }]),
  ])
}

export interface CopyTeamOptions {
  readonly variant: CopyVariant
  readonly command: readonly string[]
  readonly bootstrap: string
  readonly task: CopyTask
  /** Session timeout of its members. */
  readonly sessionMs: number
  /** So many processes mean that the client gives up again and again. */
  readonly processesEnough: number
}

/** Members of one group, two if the client can do that, which copy a topic without end. */
export class CopyTeam {
  readonly ids: readonly string[]
  readonly processes: CopyProcess[] = []
  readonly #options: CopyTeamOptions
  /** The newest process of each transactional id. */
  readonly #members = new Map<string, CopyProcess>()
  readonly #counts = new Map<string, number>()

  constructor(options: CopyTeamOptions) {
    this.#options = options
    const names = options.variant.client.sendsGeneration ? ['a', 'b'] : ['a']
    this.ids = names.map((name) => `${options.task.group}-${name}`)
  }

  get task(): CopyTask {
    return this.#options.task
  }

  get states(): string[] {
    return this.processes.map(({ state }) => state)
  }

  get summary(): string {
    const { client, settings } = this.#options.variant
    const counts = [...this.#counts].map(([what, count]) => `${count} ${what}`)
    const records = `${this.task.count} records, ${this.records('committed')} told as committed, ${this.records('aborted')} as aborted`
    return `${[client.name, ...settings].join(' ')}: ${[records, ...counts].join('; ')}`
  }

  /** Records in transactions that ended so. */
  records(did: 'committed' | 'aborted'): number {
    return this.processes.reduce((sum, each) => sum + each.records(did), 0)
  }

  /** Starts a process with this transactional id: the one before, if it runs, is expected to be fenced. */
  start(transactionalId: string): void {
    const { command, bootstrap, sessionMs, variant, task } = this.#options
    const { input, output, group } = task
    const { settings } = variant
    const common = { command, bootstrap, input, output, group, transactionalId, sessionMs, settings }
    const started = new CopyProcess({ ...common, count: ENDLESS, abortEvery: ABORT_EVERY })
    this.#members.set(transactionalId, started)
    this.processes.push(started)
  }

  startAll(): void {
    for (const id of this.ids) this.start(id)
  }

  async kill(transactionalId: string): Promise<void> {
    await this.#members.get(transactionalId)!.kill()
  }

  /** Starts again what gave up, or hangs. */
  startFailed(): void {
    for (const [id, member] of this.#members) {
      const why = this.#failureOf(member)
      if (why === undefined) continue
      this.count(why)
      member.kill()
      this.start(id)
    }
    if (this.processes.length > this.#options.processesEnough) throw new Error('the client gives up again and again')
  }

  #failureOf(member: CopyProcess): string | undefined {
    if (member.hasEnded) return `gave up with ${member.events.at(-1)?.error ?? 'no error'}`
    const hangs = this.#options.variant.client.mayHang && member.silentMs > HANGS_MS
    return hangs ? 'hung' : undefined
  }

  /** Something to tell in the summary. */
  count(what: string): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + 1)
  }

  /** Waits until all is copied. Starts again what gives up meanwhile. */
  async copied(withinMs: number): Promise<void> {
    await this.task
      .copied(withinMs, () => this.startFailed())
      .catch(async (cause) => {
        throw new Error([cause.message, await this.task.describeGroup(), ...this.states].join('\n'), { cause })
      })
  }

  async end(): Promise<void> {
    await Promise.all(this.processes.map((each) => each.kill()))
  }

  /** What is wrong with the copy, once the team has ended. Empty: nothing. */
  failures(): Promise<string[]> {
    return this.task.failures(this.processes)
  }
}
