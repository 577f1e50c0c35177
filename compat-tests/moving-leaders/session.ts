import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreateTopics } from '../../protocol/apis/create-topics.ts'
import { errorName } from '../../protocol/error-codes.ts'
import { SeededRandom } from '../../storage/host/seeded-random.ts'
import { RawClient } from '../raw-client.ts'
import { waitFor } from '../wait-for.ts'
import { Brokers } from './brokers.ts'
import { ClientProcess } from './client-process.ts'
import { type MovingClient, movingClients } from './clients.ts'
import type { TopicLog } from './journal.ts'
import { playSchedule } from './play-schedule.ts'
import { committedOffsets, readLog } from './read-log.ts'
import { schedule } from './schedule.ts'

const PARTITIONS = 4
/** Records a second that each client sends. */
const RATE = 50
const DRAINS_WITHIN_MS = 120_000
/**
 * Longest pause of a producer or a group that is no failure. A member that left, but whose group had not yet recorded that
 * when its coordinator moved, delays the next rebalance for its session timeout, and again after each further move.
 */
const STALLED_MS = 120_000
const STARTS_WITHIN_MS = 120_000

export interface SessionOptions {
  readonly seed: number
  /** How long leaders move and brokers come and go. */
  readonly seconds: number
  /** Default: all. */
  readonly clients?: readonly MovingClient[]
}

export interface SessionResult {
  /** What went wrong; empty if nothing did. */
  readonly failures: readonly string[]
  /** A line for each client, and one for the brokers. */
  readonly summary: readonly string[]
  /** Logs of brokers, clients and events; removed if nothing failed. */
  readonly directory: string
}

/** Runs clients against three brokers of one cluster while leaders move and brokers come and go. */
export async function runSession({ seed, seconds, clients = movingClients }: SessionOptions): Promise<SessionResult> {
  const directory = mkdtempSync(join(tmpdir(), 'ottla-test-moving-leaders-'))
  const session = new Session(seed, directory)
  try {
    await session.start(clients)
    await session.moveLeaders(seconds)
    await session.drain()
  } catch (error) {
    session.failures.push((error as Error).stack ?? String(error))
  } finally {
    await session.end()
  }
  const { failures } = session
  if (failures.length === 0) rmSync(directory, { recursive: true, force: true, maxRetries: 3 })
  return { failures, summary: session.summary, directory }
}

class Session {
  readonly failures: string[] = []
  readonly summary: string[] = []
  readonly #random: SeededRandom
  readonly #directory: string
  readonly #clients: ClientProcess[] = []
  #counts: ReadonlyMap<string, number> = new Map()
  /** How often the positions of a group were compared. */
  #audits = 0
  #brokers: Brokers | undefined

  constructor(seed: number, directory: string) {
    this.#random = new SeededRandom(seed)
    this.#directory = directory
  }

  get #ports(): readonly number[] {
    return this.#brokers!.ports
  }

  async start(clients: readonly MovingClient[]): Promise<void> {
    const minInSync = () => String(1 + this.#random.below(2))
    this.#brokers = await Brokers.start(this.#directory, {
      'default.replication.factor': '3',
      'offsets.topic.replication.factor': '3',
      'offsets.topic.num.partitions': '6',
      'min.insync.replicas': minInSync(),
      'group.initial.rebalance.delay.ms': '0',
      // With the default of five seconds a rebalance of the consumer protocol would outlast most of the events.
      'group.consumer.heartbeat.interval.ms': '1000',
      'group.consumer.min.heartbeat.interval.ms': '1000',
      'group.consumer.session.timeout.ms': '10000',
      'group.consumer.min.session.timeout.ms': '10000',
    })
    await this.#createTopics(clients.map(({ name }) => ({ name, minInSync: minInSync() })))
    const { bootstrap } = this.#brokers
    for (const client of clients)
      this.#clients.push(await ClientProcess.start(client, bootstrap, RATE, this.#directory))
    await this.#wait('each client produces and consumes', STARTS_WITHIN_MS, ({ journal }) => {
      return journal.acked > 10 && journal.groups.every((group) => journal.read(group) > 10)
    })
  }

  async #createTopics(topics: readonly { name: string; minInSync: string }[]): Promise<void> {
    const client = await RawClient.connect(this.#ports[0]!)
    const asked = topics.map(({ name, minInSync }) => ({
      name,
      numPartitions: PARTITIONS,
      replicationFactor: 3,
      assignments: [],
      configs: [{ name: 'min.insync.replicas', value: minInSync }],
    }))
    const { topics: made } = await client.send(CreateTopics, 5, { topics: asked, timeoutMs: 10_000 })
    client.close()
    for (const { name, errorCode } of made)
      if (errorCode !== 0) throw new Error(`${name} was not created: ${errorName(errorCode)}`)
  }

  async moveLeaders(seconds: number): Promise<void> {
    const topics = this.#clients.map(({ topic }) => topic)
    const groups = this.#clients.flatMap(({ journal }) => journal.groups)
    const { counts, failures } = await playSchedule({
      steps: schedule(this.#random, { topics, partitions: PARTITIONS, groups }),
      seconds,
      events: join(this.#directory, 'events'),
      obey: async (command) =>
        command.startsWith('rejoin ') ? this.#rejoin(command) : await this.#brokers!.tell(command),
      afterwards: async (command) => {
        for (const client of this.#clients) {
          client.check()
          await this.#checkCommitted(client, command)
        }
      },
      missing: (done) => this.#missing(done),
    })
    this.#counts = counts
    this.failures.push(...failures)
  }

  /** What has to happen at least once, and has not. */
  #missing(counts: ReadonlyMap<string, number>): readonly string[] {
    const verbs = ['kill', 'stop', 'lead', 'coordinate'].filter((verb) => !counts.has(verb))
    const missing = verbs.map((verb) => `${verb} was done`)
    return this.#audits === 0 ? [...missing, 'position was compared'] : missing
  }

  #rejoin(command: string): 'done' {
    const [, group, member] = command.split(' ') as [string, string, string]
    this.#clients.find(({ journal }) => journal.groups.includes(group))!.rejoin(group, Number(member))
    return 'done'
  }

  /** The coordinators, wherever they are now, know all commits that they answered. */
  async #checkCommitted({ journal, topic }: ClientProcess, command: string): Promise<void> {
    for (const group of journal.groups) {
      const answered = journal.committed(group)
      const known = await committedOffsets(this.#ports, group, topic, PARTITIONS)
      if (known === undefined) continue
      this.#audits++
      for (const [partition, offset] of answered.entries())
        if (offset > 0 && known[partition]! < offset)
          this.failures.push(
            `after ${command}, ${known[partition]} was the position of ${group} in ${topic}-${partition}: ${offset} was committed`,
          )
    }
  }

  /** Lets producers hear of all records and groups read them, and compares what they say with the log. */
  async drain(): Promise<void> {
    const fail = (error: Error) => this.failures.push(error.message)
    await Promise.all(this.#clients.map((client) => client.stopProducing().catch(fail)))
    const logs = new Map<ClientProcess, TopicLog>()
    for (const client of this.#clients) logs.set(client, await readLog(this.#ports, client.topic, PARTITIONS))
    const hasDrained = async (client: ClientProcess) =>
      client.journal.hasDrained(logs.get(client)!) && (await this.#isCommitted(client, logs.get(client)!))
    await this.#wait('all is read and committed', DRAINS_WITHIN_MS, hasDrained).catch(fail)
    for (const client of this.#clients) {
      const { journal, name } = client
      journal.compare(logs.get(client)!)
      for (const [what, longestMs] of Object.entries(journal.longestMs))
        if (longestMs > STALLED_MS) this.failures.push(`${name}: nothing was ${what} for ${longestMs} ms`)
      this.summary.push(summaryOf(client, logs.get(client)!))
    }
    this.summary.push(
      `brokers: ${[...this.#counts].map(([verb, count]) => `${count} ${verb}`).join(', ')}; ${this.#audits} looks at positions`,
    )
  }

  async #isCommitted({ journal, topic }: ClientProcess, log: TopicLog): Promise<boolean> {
    for (const group of journal.groups) {
      const offsets = await committedOffsets(this.#ports, group, topic, PARTITIONS)
      const isOpen = log.some(({ length }, partition) => length > 0 && offsets?.[partition] !== length)
      if (isOpen) return false
    }
    return true
  }

  /** Waits until the condition holds for all clients; the error names those for which it does not. */
  async #wait(what: string, withinMs: number, condition: (client: ClientProcess) => boolean | Promise<boolean>) {
    const missing = new Set(this.#clients)
    const check = async () => {
      for (const client of missing) {
        client.check()
        if (await condition(client)) missing.delete(client)
      }
      return missing.size === 0
    }
    await waitFor(what, check, withinMs).catch((cause) => {
      const stuck = [...missing].flatMap(({ name, journal }) => [
        `${name}: ${journal.acked} acknowledged`,
        ...journal.groups.map((group) => `${group} ${journal.describe(group)}`),
      ])
      throw new Error(`${cause.message}\n  ${stuck.join('\n  ')}`, { cause })
    })
  }

  async end(): Promise<void> {
    const fail = (error: Error) => this.failures.push(error.message)
    await Promise.all(this.#clients.map((client) => client.end().catch(fail)))
    await Promise.all(this.#clients.map((client) => client.kill()))
    await this.#brokers?.end()
    for (const { name, journal } of this.#clients)
      this.failures.push(...journal.failures.map((failure) => `${name}: ${failure}`))
    for (const line of this.#brokers?.errors ?? []) this.failures.push(`the brokers logged: ${line}`)
  }
}

function summaryOf({ name, journal }: ClientProcess, log: TopicLog): string {
  const { acked, readAgain, assignments, uncommitted, notes, longestMs } = journal
  const stored = log.reduce((sum, { length }) => sum + length, 0)
  return [
    `${name}: ${acked} acknowledged, ${stored} in the log`,
    `${readAgain} read again after ${assignments} assignments`,
    `${uncommitted} commits refused, ${notes} errors retried aloud`,
    `longest pause ${longestMs.acked} ms of the producer, ${longestMs.read} ms of a group`,
  ].join('; ')
}
