import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SeededRandom } from '../../storage/host/seeded-random.ts'
import { BrokerTopics } from '../clients/transactions/broker-topics.ts'
import { TestBroker } from '../test-broker.ts'
import { waitFor, within } from '../wait-for.ts'
import { type CommittedLog, checkHistory } from './check-history.ts'
import { polledBy, sentBy, type Transaction } from './history.ts'
import { type HistoryClient, historyClients } from './history-clients.ts'
import { HistoryMember } from './history-member.ts'
import type { TransactionWish, Wish } from './history-process.ts'

const TOPIC = 'history'
const PARTITIONS = 4
const MAX_OPERATIONS = 6
const MAX_POLLED = 50
/** Short, so that pauses outlast it. */
const TRANSACTION_TIMEOUT_MS = 4000
/** The longest pause of a process is longer than its transactions may take. */
const MAX_PAUSE_MS = 6000
const MAX_AWAY_MS = 1000
/** Between two faults. */
const MAX_QUIET_MS = 2000
const STARTS_WITHIN_MS = 120_000
const ENDS_WITHIN_MS = 120_000

const faults = ['kill', 'replace', 'pause', 'broker kill', 'broker pause'] as const
type Fault = (typeof faults)[number]

export interface HistorySessionOptions {
  readonly seed: number
  /** How long processes are killed and paused. */
  readonly seconds: number
  /** Default: all. */
  readonly clients?: readonly HistoryClient[]
}

export interface HistorySessionResult {
  /** What went wrong; empty if nothing did. */
  readonly failures: readonly string[]
  /** A line for each client, and one for the faults. */
  readonly summary: readonly string[]
  /** Has the history, if something went wrong. */
  readonly directory?: string
}

/**
 * Clients run transactions of random operations on one topic, while they and the broker are killed and paused; the
 * history of all transactions is checked.
 */
export async function runHistorySession(options: HistorySessionOptions): Promise<HistorySessionResult> {
  const { seed, seconds, clients = historyClients } = options
  const settings = {
    'transaction.state.log.num.partitions': '3',
    'transaction.abort.timed.out.transaction.cleanup.interval.ms': '500',
  }
  const broker = await TestBroker.start({ settings })
  const session = new HistorySession(broker, new SeededRandom(seed))
  try {
    await session.start(clients)
    await session.disturb(seconds)
    return session.result([...(await session.check()), ...session.missing()])
  } catch (error) {
    return session.result([(error as Error).stack ?? String(error), ...session.states])
  } finally {
    await session.end()
    await broker.dispose()
  }
}

class HistorySession {
  readonly #broker: TestBroker
  readonly #random: SeededRandom
  readonly #topics: BrokerTopics
  readonly #members: HistoryMember[] = []
  readonly #history: Transaction[] = []
  readonly #faults = new Map<Fault, number>()
  /** What happened when, for the one who looks for the cause of a failure. */
  readonly #events: string[] = []
  #phase: 'write' | 'end' | 'read' = 'write'
  #sent = 0
  /** Records that are committed, once all have been sent. */
  #log: CommittedLog = []

  constructor(broker: TestBroker, random: SeededRandom) {
    this.#broker = broker
    this.#random = random
    this.#topics = new BrokerTopics([broker.port], PARTITIONS)
  }

  /** Keeps the history if something went wrong. */
  result(failures: readonly string[]): HistorySessionResult {
    const summary = this.#summary
    if (failures.length === 0) return { failures, summary }
    const directory = mkdtempSync(join(tmpdir(), 'ottla-test-history-'))
    const found = { events: this.#events, history: this.#history, log: this.#log }
    writeFileSync(join(directory, 'history.json'), JSON.stringify(found))
    return { failures, summary, directory }
  }

  get states(): string[] {
    return this.#members.map(({ current }) => current.state)
  }

  get #summary(): string[] {
    const clients = this.#members.map((member) => {
      const own = this.#historyOf(member)
      const outcomes = (['committed', 'aborted', 'unknown'] as const).map(
        (outcome) => `${own.filter((each) => each.outcome === outcome).length} ${outcome}`,
      )
      const records = `${own.flatMap(sentBy).length} records sent, ${own.flatMap(polledBy).length} read`
      return `${member.client.name}: ${member.processes} processes; ${outcomes.join(', ')}; ${records}`
    })
    return [...clients, `faults: ${[...this.#faults].map(([fault, count]) => `${count} ${fault}`).join(', ')}`]
  }

  #historyOf(member: HistoryMember): readonly Transaction[] {
    return this.#history.filter(({ process }) => process.transactionalId === member.transactionalId)
  }

  async start(clients: readonly HistoryClient[]): Promise<void> {
    await this.#topics.create(TOPIC)
    for (const client of clients) {
      const transactionalId = client.name.replaceAll(' ', '-')
      const given = ['history', this.#broker.bootstrap, TOPIC, PARTITIONS, transactionalId, TRANSACTION_TIMEOUT_MS]
      const member = new HistoryMember({
        client,
        transactionalId,
        command: [...(await client.command()), ...given.map(String)],
        wish: (polled) => this.#wish(polled),
        record: (transaction) => this.#history.push(transaction),
      })
      this.#members.push(member)
      member.start()
    }
    const isBusy = () => this.#members.every((each) => this.#historyOf(each).length > 10)
    await waitFor('each client runs transactions', isBusy, STARTS_WITHIN_MS)
  }

  /** A transaction of random operations; in the end one that reads what the process has not read. */
  #wish(polled: number): TransactionWish | undefined {
    if (this.#phase === 'end') return undefined
    if (this.#phase === 'read')
      return polled < this.#log.flat().length ? { ops: [{ poll: MAX_POLLED }], end: 'commit' } : undefined
    const ops = Array.from({ length: 1 + this.#random.below(MAX_OPERATIONS) }, () => this.#operation())
    return { ops, end: this.#random.oneIn(5) ? 'abort' : 'commit' }
  }

  #operation(): Wish {
    if (this.#random.oneIn(3)) return { poll: 1 + this.#random.below(MAX_POLLED) }
    return { send: { partition: this.#random.below(PARTITIONS), value: String(this.#sent++) } }
  }

  /** Kills and pauses processes for so long, and until each fault has happened once. */
  async disturb(seconds: number): Promise<void> {
    const endMs = performance.now() + seconds * 1000
    let next: Fault[] = []
    while (performance.now() < endMs || this.#faults.size < faults.length) {
      if (next.length === 0) next = [...faults]
      const [fault] = next.splice(this.#random.below(next.length), 1) as [Fault]
      const member = this.#random.pick(this.#members)
      this.#events.push(`${Math.round(performance.now())} ${fault} ${member.transactionalId}`)
      this.#faults.set(fault, (this.#faults.get(fault) ?? 0) + 1)
      await this.#do(fault, member)
      await sleep(this.#random.below(MAX_QUIET_MS))
      for (const each of this.#members) if (each.current.hasEnded) each.start()
    }
  }

  async #do(fault: Fault, member: HistoryMember): Promise<void> {
    const { current } = member
    switch (fault) {
      case 'kill':
        await current.kill()
        return member.start()
      case 'replace':
        current.pause()
        member.start()
        await sleep(this.#random.below(MAX_PAUSE_MS))
        return current.resume()
      case 'pause':
        current.pause()
        await sleep(this.#random.below(MAX_PAUSE_MS))
        return current.resume()
      case 'broker kill':
        await this.#broker.kill9()
        await sleep(this.#random.below(MAX_AWAY_MS))
        return this.#broker.restart()
      case 'broker pause':
        process.kill(this.#broker.pid, 'SIGSTOP')
        await sleep(this.#random.below(MAX_PAUSE_MS))
        process.kill(this.#broker.pid, 'SIGCONT')
    }
  }

  /** Lets all transactions end and the newest processes read all, and checks the history. */
  async check(): Promise<string[]> {
    this.#phase = 'end'
    await within('all transactions end', this.#finished(), ENDS_WITHIN_MS)
    this.#log = await waitFor('no transaction is open', () => this.#committed(), ENDS_WITHIN_MS)
    this.#phase = 'read'
    await within('the newest processes read all', this.#readAll(), ENDS_WITHIN_MS)
    return checkHistory(this.#history, this.#log)
  }

  async #finished(): Promise<void> {
    await Promise.all(this.#members.map((each) => each.finished()))
  }

  async #committed(): Promise<CommittedLog> {
    const partitions = await this.#topics.committedRecords(TOPIC)
    return partitions.map((records, partition) => records.map((each) => ({ partition, ...each })))
  }

  async #readAll(): Promise<void> {
    const count = this.#log.flat().length
    for (let behind = this.#members; behind.length > 0; behind = behind.filter(({ polled }) => polled < count)) {
      for (const each of behind) each.goOn()
      await this.#finished()
    }
  }

  /** What has to be in the history at least, and is not. */
  missing(): string[] {
    return this.#members.flatMap((member) => {
      const own = this.#historyOf(member)
      const isLittle =
        own.filter(({ outcome }) => outcome === 'committed').length < 20 || own.flatMap(polledBy).length < 20
      return isLittle ? [`nothing is proved: too little was done by ${member.client.name}`] : []
    })
  }

  async end(): Promise<void> {
    await Promise.all(this.#members.map((each) => each.kill()))
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
