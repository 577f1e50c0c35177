/*
 * Changes of one partition: who leads it, which replicas are in sync, and whether its reassignment is complete. Pure
 * functions from a partition and what is wanted of it to its changed fields. Source: PartitionChangeBuilder.
 */
import { encodeMetadataRecord } from '../../protocol/internal-records/metadata-framing.ts'
import { PartitionChangeRecord } from '../../protocol/internal-records/topic-records.ts'
import { MIGRATING_DIRECTORY } from './directory-assignments.ts'
import type { PartitionImage } from './metadata-image.ts'
import {
  directoriesSupported,
  eligibleLeaderReplicas,
  isrShrinkStartsEpoch,
  partitionRecordVersion,
} from './record-versions.ts'

/** Which replica an election takes. */
export type Election =
  /** The first replica if it is in sync, else like online. */
  | 'preferred'
  /** The leader if it may go on, else the first replica in sync. */
  | 'online'
  /** Like online, but also a replica out of sync rather than none. */
  | 'unclean'

/** What is wanted of a partition; a field left out stays as it is. */
export interface PartitionTargets {
  /** By default online. */
  readonly election?: Election
  readonly isr?: readonly number[]
  readonly replicas?: readonly number[]
  readonly addingReplicas?: readonly number[]
  readonly removingReplicas?: readonly number[]
  readonly isRecovering?: boolean
  /** A broker that returned after an unclean stop: its replica is no longer eligible. */
  readonly uncleanShutdownReplica?: number
}

/** What decisions about a partition depend on besides the partition. */
export interface PartitionRules {
  readonly features: ReadonlyMap<string, number>
  /** No more than the topic's replication factor. Fewer in-sync replicas make those that left eligible leaders. */
  readonly minInsyncReplicas: number
  /** True if a replica's broker lives and has its directory. */
  mayLead(brokerId: number): boolean
  /** Directory id for a new replica. */
  directoryOf(brokerId: number): string
}

/** Changed fields of a partition. A leader starts a new leader epoch, also if it is the same one. */
export type PartitionChange = Partial<Omit<PartitionImage, 'leaderEpoch' | 'partitionEpoch'>>

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/** The partition after a change. Source: PartitionRegistration.merge. */
export function changedPartition(before: PartitionImage, change: PartitionChange): PartitionImage {
  return {
    ...before,
    ...change,
    leaderEpoch: before.leaderEpoch + (change.leader === undefined ? 0 : 1),
    partitionEpoch: before.partitionEpoch + 1,
  }
}

export function partitionChangeRecord(
  topicId: string,
  partitionId: number,
  change: PartitionChange,
  features: ReadonlyMap<string, number>,
): Buffer {
  const { isRecovering, lastKnownEligibleLeaderReplicas: lastKnownElr, ...same } = change
  return encodeMetadataRecord(PartitionChangeRecord, partitionRecordVersion(features), {
    partitionId,
    topicId,
    ...same,
    ...(lastKnownElr === undefined ? {} : { lastKnownElr }),
    ...(isRecovering === undefined ? {} : { leaderRecoveryState: Number(isRecovering) }),
  })
}

/** Undefined if nothing changes. */
export function decidePartitionChange(
  before: PartitionImage,
  targets: PartitionTargets,
  rules: PartitionRules,
): PartitionChange | undefined {
  const { replicas, addingReplicas, removingReplicas, isr } = completed({ ...before, ...defined(targets) })
  const tracksEligible = eligibleLeaderReplicas(rules.features)
  const eligible = tracksEligible ? eligibleAfter(before, isr, targets, rules) : []
  const elected = elect(before, { replicas, isr, eligible }, targets.election ?? 'online', rules)
  const change: Mutable<PartitionChange> = {}
  let nextIsr = isr
  let nextEligible = eligible
  if (elected.leader !== before.leader) {
    change.leader = elected.leader
    if (eligible.includes(elected.leader)) {
      nextIsr = [elected.leader]
      nextEligible = eligible.filter((replica) => replica !== elected.leader)
    }
    if (elected.isUnclean) {
      nextIsr = [elected.leader]
      nextEligible = []
      if (!before.isRecovering) change.isRecovering = true
    }
  } else if (!includesAll(replicas, before.replicas)) {
    // A replica that was removed must notice that it is out, even if it missed the change.
    change.leader = before.leader
  }
  if (!isSame(nextEligible, before.eligibleLeaderReplicas)) change.eligibleLeaderReplicas = nextEligible
  // Without eligible leader replicas the last one in sync stays, so that it can lead again.
  if ((nextIsr.length > 0 || tracksEligible) && !isSame(nextIsr, before.isr)) {
    change.isr = nextIsr
    if (isrShrinkStartsEpoch(rules.features) && !includesAll(nextIsr, before.isr)) change.leader ??= before.leader
  }
  if (tracksEligible) noteLastLeader(before, change)
  noteAssignment(before, { replicas, addingReplicas, removingReplicas }, rules, change)
  if (targets.isRecovering !== undefined && targets.isRecovering !== before.isRecovering)
    change.isRecovering = targets.isRecovering
  return Object.keys(change).length === 0 ? undefined : change
}

function defined({ isr, replicas, addingReplicas, removingReplicas }: PartitionTargets) {
  return {
    ...(isr === undefined ? {} : { isr }),
    ...(replicas === undefined ? {} : { replicas }),
    ...(addingReplicas === undefined ? {} : { addingReplicas }),
    ...(removingReplicas === undefined ? {} : { removingReplicas }),
  }
}

type Assignment = Pick<PartitionImage, 'replicas' | 'addingReplicas' | 'removingReplicas'>

/** True if a reassignment is in progress. */
export function isReassigning({ addingReplicas, removingReplicas }: Assignment): boolean {
  return addingReplicas.length > 0 || removingReplicas.length > 0
}

/**
 * The assignment without the replicas to remove, once all replicas to add are in sync. If more are removed than added,
 * all that stay must be in sync. Source: PartitionReassignmentReplicas.maybeCompleteReassignment.
 */
function completed(wanted: Assignment & Pick<PartitionImage, 'isr'>): Assignment & Pick<PartitionImage, 'isr'> {
  const { addingReplicas, removingReplicas } = wanted
  if (!isReassigning(wanted)) return wanted
  const isr = without(wanted.isr, removingReplicas)
  const replicas = without(wanted.replicas, removingReplicas)
  const removesAll = isr.length === 0 || replicas.length === 0
  if (removingReplicas.length > 0 && removesAll) return wanted
  if (!includesAll(isr, addingReplicas)) return wanted
  if (addingReplicas.length < removingReplicas.length && !includesAll(isr, replicas)) return wanted
  return { replicas, isr, addingReplicas: [], removingReplicas: [] }
}

/** Replicas that have all committed records although they left the in-sync replicas (KIP-966). */
function eligibleAfter(
  before: PartitionImage,
  isr: readonly number[],
  { uncleanShutdownReplica }: PartitionTargets,
  { minInsyncReplicas }: PartitionRules,
): readonly number[] {
  if (isr.length >= minInsyncReplicas) return []
  return [...new Set([...before.eligibleLeaderReplicas, ...before.isr])]
    .filter((replica) => !isr.includes(replica) && replica !== uncleanShutdownReplica)
    .sort((a, b) => a - b)
}

interface Candidates {
  readonly replicas: readonly number[]
  readonly isr: readonly number[]
  readonly eligible: readonly number[]
}

function elect(
  before: PartitionImage,
  { replicas, isr, eligible }: Candidates,
  election: Election,
  rules: PartitionRules,
): { readonly leader: number; readonly isUnclean: boolean } {
  const isValid = (replica: number) =>
    (isr.includes(replica) || (isr.length === 0 && eligible.includes(replica))) && rules.mayLead(replica)
  const [preferred] = replicas
  const clean =
    election === 'preferred' && preferred !== undefined && isValid(preferred)
      ? preferred
      : isValid(before.leader)
        ? before.leader
        : replicas.find(isValid)
  if (clean !== undefined) return { leader: clean, isUnclean: false }
  const unclean =
    lastKnownLeader(before, { replicas, isr, eligible }, rules) ??
    (election === 'unclean' ? replicas.find((replica) => rules.mayLead(replica)) : undefined)
  return unclean === undefined ? { leader: -1, isUnclean: false } : { leader: unclean, isUnclean: true }
}

/** The leader before the partition lost all others: it may lead again, though it may have lost records (KIP-966). */
function lastKnownLeader(
  { lastKnownEligibleLeaderReplicas }: PartitionImage,
  { isr, eligible }: Candidates,
  rules: PartitionRules,
): number | undefined {
  if (!eligibleLeaderReplicas(rules.features) || eligible.length > 0 || isr.length > 0) return undefined
  const [last, ...others] = lastKnownEligibleLeaderReplicas
  return last !== undefined && others.length === 0 && rules.mayLead(last) ? last : undefined
}

/** The last known eligible leaders are the last leader, from when there is none until there is one again. */
function noteLastLeader(
  { leader, lastKnownEligibleLeaderReplicas: known }: PartitionImage,
  change: Mutable<PartitionChange>,
): void {
  if (change.leader === -1 && known.length === 0) change.lastKnownEligibleLeaderReplicas = [leader]
  else if (change.leader !== undefined && change.leader >= 0 && known.length > 0)
    change.lastKnownEligibleLeaderReplicas = []
}

function noteAssignment(
  before: PartitionImage,
  { replicas, addingReplicas, removingReplicas }: Assignment,
  rules: PartitionRules,
  change: Mutable<PartitionChange>,
): void {
  if (directoriesSupported(rules.features)) {
    const known = before.replicas.map((_, index) => before.directories[index] ?? MIGRATING_DIRECTORY)
    const directories = replicas.map((replica) => known[before.replicas.indexOf(replica)] ?? rules.directoryOf(replica))
    if (!isSame(directories, known)) change.directories = directories
  }
  if (!isSame(replicas, before.replicas)) change.replicas = replicas
  if (!isSame(removingReplicas, before.removingReplicas)) change.removingReplicas = removingReplicas
  if (!isSame(addingReplicas, before.addingReplicas)) change.addingReplicas = addingReplicas
}

function without(all: readonly number[], some: readonly number[]): readonly number[] {
  return all.filter((each) => !some.includes(each))
}

function includesAll(all: readonly number[], some: readonly number[]): boolean {
  return some.every((each) => all.includes(each))
}

function isSame<T>(a: readonly T[], b: readonly T[]): boolean {
  return a.length === b.length && a.every((each, index) => each === b[index])
}
