import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SeededRandom } from '../../storage/host/seeded-random.ts'
import { type CopyClient, copyClients } from '../clients/transactions/copy-clients.ts'
import { CopyTask, PARTITIONS } from '../clients/transactions/copy-task.ts'
import { CopyTeam, variantsOf } from '../clients/transactions/copy-team.ts'
import { waitFor } from '../wait-for.ts'
import { Brokers } from './brokers.ts'
import { playSchedule } from './play-schedule.ts'
import { type Movables, schedule } from './schedule.ts'

/** A killed member delays its group so long. */
const SESSION_MS = 3000
/** Records that each team gets a step. */
const RECORDS_A_STEP = 60
const STARTS_WITHIN_MS = 120_000
const COPIED_WITHIN_MS = 180_000
/** Processes a minute that one team may need: some are killed, and clients may give up while a coordinator moves. */
const PROCESSES_A_MINUTE = 60

export interface CopySessionOptions {
  readonly seed: number
  /** How long leaders and coordinators move and brokers come and go. */
  readonly seconds: number
  /** Default: one of each client library. */
  readonly clients?: readonly CopyClient[]
}

export interface CopySessionResult {
  /** What went wrong; empty if nothing did. */
  readonly failures: readonly string[]
  /** A line for each team, and one for the brokers. */
  readonly summary: readonly string[]
  /** Logs of the brokers and the events; removed if nothing failed. */
  readonly directory: string
}

/** Older versions of one library add little here. */
const sessionClients = copyClients.filter(({ name }) => !/^jvm (?!4)/.test(name))

/**
 * Clients copy topics in transactions at three brokers of one cluster, while leaders and coordinators move, brokers come
 * and go, and members are killed and replaced by others with the same transactional id.
 */
export async function runCopySession(options: CopySessionOptions): Promise<CopySessionResult> {
  const { seed, seconds, clients = sessionClients } = options
  const directory = mkdtempSync(join(tmpdir(), 'ottla-test-moving-copies-'))
  const session = new CopySession(new SeededRandom(seed), directory)
  try {
    await session.start(clients, seconds)
    await session.moveLeaders(seconds)
    await session.compare()
  } catch (error) {
    session.failures.push((error as Error).stack ?? String(error))
  } finally {
    await session.end()
  }
  const { failures, summary } = session
  if (failures.length === 0) rmSync(directory, { recursive: true, force: true, maxRetries: 3 })
  return { failures, summary, directory }
}

class CopySession {
  readonly failures: string[] = []
  readonly #random: SeededRandom
  readonly #directory: string
  #counts: ReadonlyMap<string, number> = new Map()
  /** Teams whose input is being written. */
  readonly #feeding = new Map<CopyTeam, Promise<unknown>>()
  #teams: readonly CopyTeam[] = []
  #brokers: Brokers | undefined

  constructor(random: SeededRandom, directory: string) {
    this.#random = random
    this.#directory = directory
  }

  get summary(): string[] {
    const counts = [...this.#counts].map(([what, count]) => `${count} ${what}`)
    return [...this.#teams.map(({ summary }) => summary), `brokers: ${counts.join(', ')}`]
  }

  async start(clients: readonly CopyClient[], seconds: number): Promise<void> {
    this.#brokers = await Brokers.start(this.#directory, {
      'offsets.topic.num.partitions': '6',
      'transaction.state.log.num.partitions': '6',
      'min.insync.replicas': String(1 + this.#random.below(2)),
      'group.initial.rebalance.delay.ms': '0',
      'group.min.session.timeout.ms': String(SESSION_MS),
      'group.consumer.session.timeout.ms': String(SESSION_MS),
      'group.consumer.min.session.timeout.ms': String(SESSION_MS),
      'group.consumer.heartbeat.interval.ms': String(SESSION_MS / 5),
      'group.consumer.min.heartbeat.interval.ms': String(SESSION_MS / 5),
    })
    const { bootstrap, ports } = this.#brokers
    const processesEnough = 10 + Math.ceil((seconds / 60) * PROCESSES_A_MINUTE)
    this.#teams = await Promise.all(
      variantsOf(clients).map(async (variant) => {
        const command = await variant.client.command()
        const name = [variant.client.name, ...variant.settings].join('-').replaceAll(/[ =]/g, '-')
        const task = await CopyTask.create(ports, name)
        return new CopyTeam({ variant, command, bootstrap, task, sessionMs: SESSION_MS, processesEnough })
      }),
    )
    for (const team of this.#teams) {
      await team.task.write(RECORDS_A_STEP)
      team.startAll()
    }
    const isCopying = () => {
      for (const team of this.#teams) team.startFailed()
      return this.#teams.every((team) => team.records('committed') > 0)
    }
    await waitFor('each team copies', isCopying, STARTS_WITHIN_MS).catch((cause) => {
      throw new Error([cause.message, ...this.#teams.flatMap(({ states }) => states)].join('\n'), { cause })
    })
  }

  async moveLeaders(seconds: number): Promise<void> {
    const { counts, failures } = await playSchedule({
      steps: schedule(this.#random, this.#movables),
      seconds,
      events: join(this.#directory, 'events'),
      obey: (command) => (command.startsWith('rejoin ') ? this.#replace(command) : this.#brokers!.tell(command)),
      afterwards: async () => {
        for (const team of this.#teams) {
          team.startFailed()
          this.#feed(team)
        }
      },
      missing: (done) =>
        ['kill', 'stop', 'lead', 'coordinate', 'rejoin']
          .filter((verb) => !done.has(verb))
          .map((verb) => `${verb} was done`),
    })
    this.#counts = counts
    this.failures.push(...failures)
    await Promise.all(this.#feeding.values())
  }

  get #movables(): Movables {
    const tasks = this.#teams.map(({ task }) => task)
    return {
      topics: tasks.flatMap(({ input, output }) => [input, output]),
      partitions: PARTITIONS,
      groups: tasks.map(({ group }) => group),
      transactionalIds: this.#teams.flatMap(({ ids }) => ids),
    }
  }

  /** Kills a member, mostly, and starts another one in its place. */
  async #replace(command: string): Promise<'done'> {
    const [, group, member] = command.split(' ') as [string, string, string]
    const team = this.#teams.find(({ task }) => task.group === group)!
    const id = team.ids[Number(member) % team.ids.length]!
    const kills = !this.#random.oneIn(3)
    team.count(kills ? 'kill' : 'replace')
    if (kills) await team.kill(id)
    team.start(id)
    return 'done'
  }

  /** Writes more input, unless the last is still being written. Goes on while the next events happen. */
  #feed(team: CopyTeam): void {
    if (this.#feeding.has(team)) return
    const feeding = team.task
      .write(RECORDS_A_STEP)
      .catch((error: Error) => this.failures.push(error.stack ?? error.message))
      .finally(() => this.#feeding.delete(team))
    this.#feeding.set(team, feeding)
  }

  /** Lets the teams copy all of it, and compares. */
  async compare(): Promise<void> {
    await Promise.all(this.#teams.map((team) => team.copied(COPIED_WITHIN_MS)))
    for (const team of this.#teams) {
      await team.end()
      this.failures.push(...(await team.failures()))
    }
  }

  async end(): Promise<void> {
    await Promise.all(this.#teams.map((team) => team.end()))
    await this.#brokers?.end()
    for (const line of this.#brokers?.errors ?? []) this.failures.push(`the brokers logged: ${line}`)
  }
}
