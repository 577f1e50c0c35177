import { SeededRandom } from '../../../storage/host/seeded-random.ts'
import { TestBroker } from '../../test-broker.ts'
import { waitFor } from '../../wait-for.ts'
import { type CopyClient, copyClients } from './copy-clients.ts'
import { CopyProcess } from './copy-process.ts'
import { CopyTask } from './copy-task.ts'

const STEPS = 12
const RECORDS_A_STEP = 180
/** Something is committed between two steps, unless that takes longer. */
const STEP_WITHIN_MS = 20_000
/** And then so much time passes at most. */
const PAUSE_MS = 300
/** Time in which a killed broker is away. */
const AWAY_MS = 500
/** A killed member delays its group so long. */
const SESSION_MS = 3000
const COPIED_WITHIN_MS = 90_000
/** A client that fails is started again; more often than that, and it does not work at all. */
const FAILURES_ENOUGH = 20
const ENDLESS = 1_000_000

export interface CopyRound {
  /** What went wrong; empty if nothing did. */
  readonly failures: readonly string[]
  readonly summary: string
}

interface Variant {
  readonly client: CopyClient
  readonly settings: readonly string[]
}

const variants: readonly Variant[] = copyClients.flatMap((client) => [
  { client, settings: [] },
  ...(client.consumerProtocol === undefined ? [] : [{ client, settings: client.consumerProtocol }]),
])

/** Rounds until each client had one with each group protocol that it has. */
export const ROUNDS_A_TURN = variants.length

/**
 * A client copies a topic in transactions, while its members and the broker are killed and members are replaced by others
 * with the same transactional id. The seed also says which client.
 */
export async function runCopyRound(seed: number): Promise<CopyRound> {
  const variant = variants[seed % variants.length]!
  const broker = await TestBroker.start({
    settings: {
      'group.min.session.timeout.ms': String(SESSION_MS),
      'group.consumer.session.timeout.ms': String(SESSION_MS),
      'group.consumer.min.session.timeout.ms': String(SESSION_MS),
      'group.consumer.heartbeat.interval.ms': String(SESSION_MS / 5),
      'group.consumer.min.heartbeat.interval.ms': String(SESSION_MS / 5),
      'offsets.topic.num.partitions': '3',
      'transaction.state.log.num.partitions': '3',
    },
  })
  let round: Round | undefined
  try {
    round = new Round(variant, broker, await CopyTask.create(broker.port, 'round'), await variant.client.command())
    await round.play(new SeededRandom(seed))
  } catch (error) {
    const why = (error as Error).stack ?? String(error)
    return { failures: [why, ...(round?.states ?? [])], summary: round?.summary ?? '' }
  } finally {
    await round?.end()
    await broker.dispose()
  }
  return { failures: round.failures, summary: round.summary }
}

class Round {
  failures: readonly string[] = []
  readonly #variant: Variant
  readonly #broker: TestBroker
  readonly #task: CopyTask
  readonly #command: readonly string[]
  /** The newest process of each transactional id. */
  readonly #members = new Map<string, CopyProcess>()
  readonly #processes: CopyProcess[] = []
  readonly #counts = new Map<string, number>()

  constructor(variant: Variant, broker: TestBroker, task: CopyTask, command: readonly string[]) {
    this.#variant = variant
    this.#broker = broker
    this.#task = task
    this.#command = command
  }

  get states(): string[] {
    return this.#processes.map(({ state }) => state)
  }

  get summary(): string {
    const { client, settings } = this.#variant
    const counts = [...this.#counts].map(([what, count]) => `${count} ${what}`)
    const records = `${this.#task.count} records, ${this.#records('committed')} told as committed, ${this.#records('aborted')} as aborted`
    return `${[client.name, ...settings].join(' ')}: ${records}; ${counts.join(', ')}`
  }

  #records(did: 'committed' | 'aborted'): number {
    return this.#processes.reduce((sum, each) => sum + each.records(did), 0)
  }

  async play(random: SeededRandom): Promise<void> {
    const ids = this.#variant.client.sendsGeneration ? ['a', 'b'] : ['a']
    for (const id of ids) this.#start(id)
    for (let step = 0; step < STEPS; step++) {
      await this.#task.write(RECORDS_A_STEP)
      await this.#progress()
      await new Promise((resolve) => setTimeout(resolve, random.below(PAUSE_MS)))
      await this.#disturb(random.pick(['kill', 'kill', 'replace', 'crash'] as const), random.pick(ids), random)
    }
    await this.#task
      .copied(COPIED_WITHIN_MS, () => this.#startFailed())
      .catch(async (cause) => {
        throw new Error(`${cause.message}\n${await this.#task.describeGroup()}`, { cause })
      })
    await this.end()
    this.failures = await this.#task.failures(this.#processes)
  }

  /** Waits for a commit. The client may need longer: the next step comes all the same. */
  async #progress(): Promise<void> {
    const before = this.#records('committed')
    const hasCommitted = () => {
      this.#startFailed()
      return this.#records('committed') > before
    }
    await waitFor('a commit', hasCommitted, STEP_WITHIN_MS).catch(() => this.#count('step without a commit'))
  }

  async #disturb(what: 'kill' | 'replace' | 'crash', id: string, random: SeededRandom): Promise<void> {
    this.#count(what)
    if (what === 'crash') {
      await this.#broker.kill9()
      await new Promise((resolve) => setTimeout(resolve, random.below(AWAY_MS)))
      await this.#broker.restart()
      return
    }
    if (what === 'kill') await this.#members.get(id)!.kill()
    this.#start(id)
  }

  #start(id: string): void {
    const { input, output, group } = this.#task
    const started = new CopyProcess({
      command: this.#command,
      bootstrap: this.#broker.bootstrap,
      input,
      output,
      group,
      transactionalId: `${group}-${id}`,
      count: ENDLESS,
      abortEvery: 5,
      sessionMs: SESSION_MS,
      settings: this.#variant.settings,
    })
    this.#members.set(id, started)
    this.#processes.push(started)
  }

  /** Replaced processes are expected to fail. */
  #startFailed(): void {
    for (const [id, member] of this.#members)
      if (member.hasEnded) {
        this.#count(`gave up with ${member.events.at(-1)?.error ?? 'no error'}`)
        this.#start(id)
      }
    if (this.#processes.length > STEPS + FAILURES_ENOUGH) throw new Error('the client gives up again and again')
  }

  #count(what: string): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + 1)
  }

  async end(): Promise<void> {
    await Promise.all(this.#processes.map((each) => each.kill()))
  }
}
