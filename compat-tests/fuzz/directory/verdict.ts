import { coordinatorPartition } from '../../../src/coordinator/java-hash.ts'
import { Finding } from '../kind.ts'
import { type BrokerContent, type PartitionContent, WRONG_CHECKSUM } from './broker-content.ts'
import type { Damage } from './damage.ts'

const OFFSETS_TOPIC = '__consumer_offsets'
const OFFSETS_PARTITIONS = 3
/** How each offset was committed, with its own text. */
const COMMITTED = /^(\d+) at \1$/

/** Expected content of a broker started on damaged files. */
export interface Expectation {
  /** Content before the damage. */
  readonly content: BrokerContent
  readonly damage: Damage
  /** All warnings of the broker, one line each. */
  readonly lines: readonly string[]
  /** Directory of each partition: `plain-0` in /data/d1. */
  readonly directoryOf: ReadonlyMap<string, string>
}

/**
 * Checks that undamaged parts answer as before, that a log line names each loss, and that no record, offset or setting
 * is wrong. Throws Finding. Returns the effects of the damage, for the counts.
 */
export function judge(found: BrokerContent, expected: Expectation): string[] {
  if (expected.damage.isNew) return ['nothing left']
  const judgement = new Judgement(found, expected)
  judgement.judgeTopics()
  for (const [name, before] of expected.content.partitions) judgement.judgePartition(name, before)
  judgement.judgeSettings()
  judgement.judgeOffsets()
  return judgement.outcomes
}

class Judgement {
  readonly outcomes: string[] = []
  readonly #found: BrokerContent
  readonly #expected: Expectation

  constructor(found: BrokerContent, expected: Expectation) {
    this.#found = found
    this.#expected = expected
  }

  judgeTopics(): void {
    const { content, damage } = this.#expected
    for (const [name, id] of content.topics) {
      const now = this.#found.topics.get(name)
      if (now === id) continue
      this.#mustBeExcused(`topic ${name} ${now === undefined ? 'is gone' : 'has another id'}`, {
        isTouched: damage.concernsMetadata,
        names: ['__cluster_metadata', `${name}-`, `"${name}"`],
      })
      this.outcomes.push(now === undefined ? 'topic lost' : 'topic with another id')
    }
    for (const name of this.#found.topics.keys()) {
      if (content.topics.has(name)) continue
      // A deleted topic that exists again.
      this.#mustBeExcused(`topic ${name} is there again`, {
        isTouched: damage.concernsMetadata,
        names: ['__cluster_metadata', name],
      })
    }
  }

  judgePartition(name: string, before: PartitionContent): void {
    const { damage, directoryOf } = this.#expected
    const now = this.#found.partitions.get(name)
    if (now === undefined) {
      this.#mustBeExcused(`${name} is gone`, {
        isTouched: damage.concernsMetadata,
        names: ['__cluster_metadata', ...damage.namesOf(name)],
      })
      return
    }
    const directory = directoryOf.get(name)
    if (damage.areRecordsUntold(name, directory)) {
      this.outcomes.push('damage that nothing tells of')
      return
    }
    const wrong = [...now.records].find(([offset, record]) => before.records.get(offset) !== record)
    // Deleted records that reappear must be explained by a log line, like lost ones.
    if (wrong !== undefined && (wrong[0] >= before.start || before.records.has(wrong[0])))
      throw new Finding(`${name} gives a wrong record at ${wrong[0]}: ${wrong[1]}, not ${before.records.get(wrong[0])}`)
    const losses = lossesOf(now, before)
    const differences = [...losses, ...derivedDifferences(now, before), ...now.errors]
    if (differences.length === 0) return
    // As in Kafka, the start does not read a log after a clean stop or below the recovery point: clients find a batch
    // with a wrong checksum themselves, and no other record is lost with it.
    const hasWrongChecksum =
      damage.isBelowStart(name) || [...now.errors].some((error) => error.endsWith(WRONG_CHECKSUM))
    const isLeftToClients = hasWrongChecksum && !this.#isNamed(damage.namesOf(name))
    if (isLeftToClients && damage.concerns(name, directoryOf.get(name)) && hasAllBut(now, before)) {
      this.outcomes.push('batch with a wrong checksum')
      return
    }
    this.#mustBeExcused(`${name}: ${differences.join(', ')}`, {
      isTouched: damage.concerns(name, directoryOf.get(name)),
      names: damage.namesOf(name),
    })
    // Data derived from records must be right if the records exist.
    const derived = derivedDifferences(now, before)
    if (losses.length === 0 && now.errors.size === 0 && derived.length > 0)
      throw new Finding(`${name}: its records are whole, but ${derived.join(', ')}`)
    this.outcomes.push(losses.length > 0 ? 'records lost' : 'partition answers errors')
  }

  judgeSettings(): void {
    const { content, damage } = this.#expected
    for (const [name, value] of content.settings) {
      const now = this.#found.settings.get(name)
      if (now === value) continue
      const topic = name.split(' ')[1]!
      this.#mustBeExcused(`setting ${name} is ${now}, not ${value}`, {
        isTouched: damage.concernsMetadata,
        names: ['__cluster_metadata', ...(topic === '' ? [] : [topic])],
      })
      this.outcomes.push('setting lost')
    }
  }

  judgeOffsets(): void {
    const { content, damage, directoryOf } = this.#expected
    const logOf = (key: string): string =>
      `${OFFSETS_TOPIC}-${coordinatorPartition(key.split(' ')[0]!, OFFSETS_PARTITIONS)}`
    for (const [key, text] of content.offsets) {
      const now = this.#found.offsets.get(key)
      if (now === text) continue
      const group = key.split(' ')[0]!
      const log = logOf(key)
      if (damage.areOffsetsUntold(log, directoryOf.get(log)) && (now === undefined || COMMITTED.test(now))) continue
      const error = this.#found.groupErrors.get(group)
      this.#mustBeExcused(`${key} is committed at ${now ?? error}, not at ${text}`, {
        isTouched: damage.concerns(log, directoryOf.get(log)) || damage.concernsMetadata,
        names: [...damage.namesOf(log), '__cluster_metadata'],
      })
      if (now !== undefined && !isEarlier(now, text))
        throw new Finding(`${key} is committed at ${now}, never at ${text}`)
      this.outcomes.push(error === undefined ? 'offset lost' : 'group answers an error')
    }
    for (const [key, text] of this.#found.offsets) {
      if (content.offsets.has(key)) continue
      if (!COMMITTED.test(text)) throw new Finding(`${key} is committed at ${text}, which nobody did`)
      // Its deletion may be lost.
      this.#mustBeExcused(`${key} is committed at ${text}, after it was deleted`, {
        isTouched: damage.concerns(logOf(key), directoryOf.get(logOf(key))) || damage.concernsMetadata,
        names: damage.namesOf(logOf(key)),
      })
    }
  }

  /** Only damaged parts may differ, and only if a log line names them. */
  #mustBeExcused(what: string, { isTouched, names }: { isTouched: boolean; names: readonly string[] }): void {
    const { lines } = this.#expected
    if (!isTouched) throw new Finding(`without damage to it, ${what}${told(lines)}`)
    if (!this.#isNamed(names)) throw new Finding(`no line tells that ${what}${told(lines)}`)
  }

  #isNamed(names: readonly string[]): boolean {
    return this.#expected.lines.some((line) => names.some((name) => line.includes(name)))
  }
}

/** The broker's log lines for a message. */
export function told(lines: readonly string[]): string {
  return lines.length === 0 ? '; the log says nothing' : `; the log says:\n  ${lines.slice(0, 12).join('\n  ')}`
}

/** Whether only the records of one batch are missing, and those of batches after it that a client cannot reach. */
function hasAllBut(now: PartitionContent, before: PartitionContent): boolean {
  const known = lossesOf(now, before).filter((loss) => !loss.startsWith('no records at'))
  return known.length === 0
}

function lossesOf(now: PartitionContent, before: PartitionContent): string[] {
  const losses: string[] = []
  const missing = [...before.records.keys()].filter((offset) => !now.records.has(offset))
  if (missing.length > 0) losses.push(`no records at ${missing.join(' ')}`)
  for (const name of ['start', 'end', 'stable'] as const)
    if (now[name] !== before[name]) losses.push(`${name} is ${now[name]}, not ${before[name]}`)
  return losses
}

function derivedDifferences(now: PartitionContent, before: PartitionContent): string[] {
  const differences: string[] = []
  const sorted = (set: ReadonlySet<string>) => [...set].sort().join(', ')
  if (sorted(now.aborted) !== sorted(before.aborted))
    differences.push(`aborted are [${sorted(now.aborted)}], not [${sorted(before.aborted)}]`)
  if (now.producers !== before.producers)
    differences.push(`producers are [${now.producers}], not [${before.producers}]`)
  for (const [what, a, b] of [
    ['time', now.times, before.times],
    ['read', now.probes, before.probes],
  ] as const)
    for (const [key, value] of b)
      if (a.get(key) !== value) differences.push(`${what} ${key} gives ${a.get(key)}, not ${value}`)
  return differences
}

/** Whether the committed offset is an earlier one. Offsets rise, and each was committed with its own text. */
function isEarlier(now: string, text: string): boolean {
  const [offset, metadata] = [Number.parseInt(now, 10), now.slice(now.indexOf(' ') + 1)]
  return offset <= Number.parseInt(text, 10) && metadata === `at ${offset}`
}
