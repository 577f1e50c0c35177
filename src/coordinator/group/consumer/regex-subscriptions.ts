import type { Rejection } from '../../../../protocol/error-codes.ts'
import { runInSlices } from '../../../../storage/host/turn-slices.ts'
import type { MetadataImage } from '../../../metadata/metadata-image.ts'
import type { CoordinatorRecord } from '../../coordinator-record.ts'
import type { Decision } from '../../shard.ts'
import type { GroupContext } from '../group-context.ts'
import type { GroupTable } from '../group-table.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import { type ConsumerMember, regexOf, sameNames } from './consumer-member.ts'
import { groupEpochRecord, regexRecord, regexTombstone } from './consumer-records.ts'
import { hashSteps, METADATA_FRESH_MS, metadataHash } from './metadata-hash.ts'
import { type ResolvedRegex, resolveRegexes, validateRegex } from './topic-regex.ts'

/** How a member's regular expression changed. 'resolved': its topics are known. */
export type RegexChange = 'unchanged' | 'updated' | 'resolved'

/**
 * Shortest time between two resolutions for one group. Source:
 * GroupMetadataManager.REGEX_BATCH_REFRESH_MIN_INTERVAL_MS.
 */
const MIN_REFRESH_INTERVAL_MS = 10_000

/**
 * Subscriptions by regular expression. A heartbeat starts a separate operation that resolves all expressions of the
 * group at once. Source: GroupMetadataManager.maybeUpdateRegularExpressions and what it schedules.
 */
export class RegexSubscriptions {
  readonly #context: GroupContext
  readonly #groups: GroupTable
  /** Groups whose expressions are being matched. */
  readonly #matching = new Set<string>()
  /** End offset of the last metadata image with new topics. */
  #newestTopicsVersion: number

  constructor(context: GroupContext, groups: GroupTable) {
    this.#context = context
    this.#groups = groups
    this.#newestTopicsVersion = context.image().endOffset
  }

  topicsCreated(version: number): void {
    this.#newestTopicsVersion = version
  }

  /** INVALID_REGULAR_EXPRESSION if an expression cannot be parsed. */
  update(
    group: ConsumerGroup,
    member: ConsumerMember,
    updated: ConsumerMember,
    records: CoordinatorRecord[],
  ): RegexChange | Rejection {
    const isChanged = member.subscribedTopicRegex !== updated.subscribedTopicRegex
    const [oldRegex, newRegex] = [regexOf(member), regexOf(updated)]
    const isFirst = isChanged && newRegex !== undefined && group.regexMemberCount(newRegex) === 0
    if (isChanged && oldRegex !== undefined && group.regexMemberCount(oldRegex) === 1) {
      records.push(regexTombstone(group.groupId, oldRegex))
    }
    if (isFirst) {
      const refused = validateRegex(newRegex)
      if (refused !== undefined) return refused
    }
    if (isFirst || group.regexes.size > 0) this.#refreshIfDue(group, group.regexesWith(member, updated), isFirst)
    return isChanged ? changeOf(group, oldRegex, newRegex) : 'unchanged'
  }

  #refreshIfDue(group: ConsumerGroup, regexes: ReadonlyMap<string, number>, isFirst: boolean): void {
    const { groupId } = group
    const timer = timerOf(groupId)
    const last = group.lastRegexRefresh
    const nowMs = this.#context.nowMs()
    // A resolution in the future: the clock was set back. Kafka would wait until the clock reaches that time again.
    const sinceMs = last === undefined || last.timestampMs > nowMs ? Number.POSITIVE_INFINITY : nowMs - last.timestampMs
    const isUnderWay = this.#context.timers.has(timer) || this.#matching.has(groupId)
    if (isUnderWay || sinceMs <= MIN_REFRESH_INTERVAL_MS) return
    const isDue =
      isFirst ||
      regexes.size !== group.resolvedRegexes.size ||
      (last?.version ?? 0) < this.#newestTopicsVersion ||
      sinceMs > this.#context.config.groupConsumerRegexRefreshIntervalMs
    if (isDue && regexes.size > 0) this.#context.timers.set(timer, 0, () => this.#resolve(groupId, [...regexes.keys()]))
  }

  /** Matches all topics of the current image, in slices, and then decides. */
  #resolve(groupId: string, regexes: readonly string[]): Decision<void> | undefined {
    if (this.#groups.consumer(groupId) === undefined) return undefined
    const { timers, slices } = this.#context
    const resolved = runInSlices(resolveSteps(regexes, this.#context.image(), this.#context.nowMs()), slices)
    if (!(resolved instanceof Promise)) return this.#refresh(groupId, resolved)
    this.#matching.add(groupId)
    const decide = resolved.then((all) => {
      this.#matching.delete(groupId)
      timers.set(timerOf(groupId), 0, () => this.#refresh(groupId, all))
    })
    this.#context.inBackground(decide)
    return undefined
  }

  /** Source: handleRegularExpressionsResult. */
  #refresh(groupId: string, allResolved: ReadonlyMap<string, ResolvedRegex>): Decision<void> | undefined {
    const group = this.#groups.consumer(groupId)
    if (group === undefined) return undefined
    const image = this.#context.image()
    const nowMs = this.#context.nowMs()
    const records: CoordinatorRecord[] = []
    const subscriptions = group.subscriptions.copy()
    let isBumped = false
    for (const [regex, resolved] of allResolved) {
      if (group.regexMemberCount(regex) === 0) continue
      const before = group.resolvedRegexes.get(regex)?.topics ?? new Set()
      if (!sameNames(before, resolved.topics)) {
        isBumped = true
        subscriptions.addRegexTopics(before, -1)
        subscriptions.addRegexTopics(resolved.topics, 1)
      }
      records.push(regexRecord(groupId, regex, resolved))
    }
    const hash = metadataHash(subscriptions.topics(), image)
    if (isBumped || hash !== group.metadataHash) {
      records.push(groupEpochRecord(groupId, group.groupEpoch + 1, hash))
      group.metadataFreshUntilMs = nowMs + METADATA_FRESH_MS
    }
    return { records, response: undefined }
  }
}

function timerOf(groupId: string): string {
  return `regex-${groupId}`
}

/** Matches the expressions, and hashes the matched topics for the decision that follows. */
function* resolveSteps(
  regexes: readonly string[],
  image: MetadataImage,
  nowMs: number,
): Generator<void, ReadonlyMap<string, ResolvedRegex>> {
  const resolved = yield* resolveRegexes(regexes, [...image.topicsByName.keys()], image.endOffset, nowMs)
  for (const { topics } of resolved.values()) yield* hashSteps(topics, image)
  return resolved
}

function changeOf(group: ConsumerGroup, oldRegex: string | undefined, newRegex: string | undefined): RegexChange {
  if (newRegex === undefined) return oldRegex === undefined ? 'updated' : 'resolved'
  return group.resolvedRegexes.has(newRegex) && group.regexMemberCount(newRegex) > 0 ? 'resolved' : 'updated'
}
