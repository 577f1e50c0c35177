import { OffsetCommit } from '../../../protocol/apis/offset-commit.ts'
import { Produce } from '../../../protocol/apis/produce.ts'
import { buildBatch } from '../../../protocol/records/batch-builder.ts'
import { ZERO_UUID } from '../../../protocol/schema.ts'
import { StartError } from '../../../src/config/start-error.ts'
import type { SimulatedHost } from '../../../storage/host/simulated-host.ts'
import type { Rot } from '../../rot/rot.ts'
import type { SimulatedBroker } from '../../simulation/simulated-broker.ts'
import { Finding } from '../kind.ts'
import { type BrokerContent, readContent } from './broker-content.ts'
import { Damage } from './damage.ts'
import { LogBook } from './log-book.ts'
import { brokerOn, groups, type MadeDirectory, soughtTimes } from './made-directory.ts'
import { judge, told } from './verdict.ts'

/** Virtual time that a start may take. */
const START_LIMIT_MS = 60_000
/** Time after which retention and compaction have run, also for new logs. */
const PASSING_MS = 400_000
/** Partitions of topics with cleanup.policy=compact. */
const COMPACTED = /^(compacted|both)-/
/** Most log lines of a broker; more are repetitions. */
const MOST_LINES = 300

/** Starts a broker twice on the damaged directory and compares its content with the original. */
export async function runDirectoryCase(made: MadeDirectory, rots: readonly Rot[]): Promise<Record<string, number>> {
  const directoryCase = new DirectoryCase(made, new Damage(rots, made.variant))
  await directoryCase.run(rots)
  return directoryCase.counts
}

class DirectoryCase {
  readonly counts: Record<string, number> = {}
  readonly #made: MadeDirectory
  readonly #damage: Damage
  readonly #log = new LogBook()
  readonly #host: SimulatedHost
  readonly #broker: SimulatedBroker

  constructor(made: MadeDirectory, damage: Damage) {
    this.#made = made
    this.#damage = damage
    const { host, broker } = brokerOn(made, this.#log)
    this.#host = host
    this.#broker = broker
  }

  async run(rots: readonly Rot[]): Promise<void> {
    for (const rot of rots) rot.apply(this.#host.memory)
    this.#damage.noteUntold(this.#host.memory, (name) => this.#made.content.partitions.get(name)?.start ?? 0)
    if (!(await this.#starts())) return
    const first = await this.#judged(this.#made.content)
    await this.#use(first)
    await this.#host.advance(PASSING_MS)
    const used = await this.#read()
    this.#mustHaveKept(used, first)
    await this.#stop()
    if (!(await this.#starts())) throw new Finding('the second start is refused')
    await this.#judged(used)
    await this.#stop()
    this.#count('served')
  }

  /** False if the start was refused for a valid reason. */
  async #starts(): Promise<boolean> {
    try {
      await this.#broker.start(START_LIMIT_MS)
    } catch (error) {
      if (!(error instanceof StartError))
        throw new Finding(`the start fails: ${(error as Error).stack}${told(this.#log.lines)}`)
      const { message } = error
      if (message.includes('\n')) throw new Finding(`the start is refused in several lines: ${message}`)
      if (!this.#damage.mayRefuseStart) throw new Finding(`the start is refused: ${message}`)
      if (!this.#damage.isNamedIn(message)) throw new Finding(`a refused start names no file: ${message}`)
      this.#count('start refused')
      return false
    }
    return true
  }

  async #judged(content: BrokerContent): Promise<BrokerContent> {
    const found = await this.#read()
    const { variant, files } = this.#made
    const directoryOf = new Map(
      variant.directories.flatMap((each) => files.list(each).map((name) => [name, each] as const)),
    )
    const outcomes = judge(found, { content, damage: this.#damage, lines: this.#log.lines, directoryOf })
    this.#checkLog()
    for (const outcome of new Set(outcomes)) this.#count(outcome)
    if (outcomes.length === 0) this.#count('as before')
    return found
  }

  #read(): Promise<BrokerContent> {
    return readContent({ host: this.#host, broker: this.#broker, groups, times: soughtTimes })
  }

  #checkLog(): void {
    const { lines } = this.#log
    const stack = lines.find((line) => line.includes('\\n    at '))
    if (stack !== undefined) throw new Finding(`the log has a stack: ${stack.replaceAll('\\n', '\n')}`)
    if (lines.length > MOST_LINES) throw new Finding(`the log has ${lines.length} lines: ${lines.slice(-5).join('\n')}`)
    const { fatalReason } = this.#host
    if (fatalReason !== undefined) throw new Finding(`the broker would have ended: ${fatalReason.stack}`)
  }

  /** Appends a record to each partition of users, and commits an offset for each group. */
  async #use(content: BrokerContent): Promise<void> {
    for (const [name, { errors, times }] of content.partitions) {
      if (name.startsWith('__') || errors.size > 0) continue
      const dash = name.lastIndexOf('-')
      const timestamp = Math.max(0, (times.get(-3) ?? -1) >= 0 ? soughtTimes[0]! + 1 : this.#host.clock.nowMs())
      const records = buildBatch([{ key: 'new', value: 'new', timestamp }])
      const topicData = [
        {
          name: name.slice(0, dash),
          topicId: ZERO_UUID,
          partitionData: [{ index: Number(name.slice(dash + 1)), records }],
        },
      ]
      await this.#host.settle(this.#broker.ask(Produce, 9, { acks: -1, timeoutMs: 1000, topicData }))
    }
    const partition = { partitionIndex: 0, committedOffset: 1, committedLeaderEpoch: -1, committedMetadata: 'at 1' }
    for (const groupId of groups) {
      const topics = [{ name: 'trimmed', topicId: ZERO_UUID, partitions: [partition] }]
      const nobody = { generationIdOrMemberEpoch: -1, memberId: '' }
      await this.#host.settle(this.#broker.ask(OffsetCommit, 9, { groupId, ...nobody, topics }))
    }
  }

  /** Checks that all earlier content still exists after time has passed and records were added. */
  #mustHaveKept(now: BrokerContent, before: BrokerContent): void {
    this.#checkLog()
    for (const [name, { records }] of before.partitions) {
      if (name.startsWith('__')) continue
      const kept = now.partitions.get(name)?.records ?? new Map<number, string>()
      const gone = [...records].filter(
        ([offset, record]) =>
          kept.get(offset) !== record && !isSuperseded(name, record, kept) && !this.#isForeign(name, offset, record),
      )
      if (gone.length > 0)
        throw new Finding(`${name} lost ${gone.map(([offset]) => offset).join(' ')} while time passed`)
    }
    for (const [key, text] of before.offsets) {
      if (now.offsets.get(key) !== text)
        throw new Finding(`${key} went from ${text} to ${now.offsets.get(key)} by itself`)
    }
  }

  /** Compaction may remove what came from another partition's file: control records, tombstones, aborted records. */
  #isForeign(name: string, offset: number, record: string): boolean {
    return COMPACTED.test(name) && this.#made.content.partitions.get(name)?.records.get(offset) !== record
  }

  async #stop(): Promise<void> {
    await this.#broker.end('stop')
    this.#checkLog()
  }

  #count(name: string): void {
    this.counts[name] = (this.counts[name] ?? 0) + 1
  }
}

/** Compaction may remove a record if its key has a later one, and a tombstone in any case: delete.retention.ms is 0. */
function isSuperseded(name: string, record: string, kept: ReadonlyMap<number, string>): boolean {
  if (!COMPACTED.test(name)) return false
  const [, key, value] = / (key \d+): (\S+)/.exec(record) ?? []
  if (value === 'undefined') return true
  return [...kept.values()].some((each) => each.includes(` ${key}: `) && each !== record)
}
