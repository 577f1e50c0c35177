import { ZERO_UUID } from '../../protocol/schema.ts'
import { CLEANER_OFFSET_FILE, LEADER_EPOCH_FILE, parseEpochs, parseOffsets } from '../../storage/checkpoint-files.ts'
import { isSystemError } from '../../storage/failure-policy.ts'
import type { FoundPartition } from '../../storage/found-partitions.ts'
import type { Files, Host } from '../../storage/host/host.ts'
import { LOG_SUFFIX } from '../../storage/segment/file-names.ts'
import { topicIdIn } from '../../storage/stray-directories.ts'
import type { BrokerSettings } from '../config/broker-configs.ts'
import { autoCreatedTopic } from './auto-created-topics.ts'
import type { TopicImage } from './metadata-image.ts'
import { invalidTopicName, isInternalTopic } from './topic-names.ts'

/** Directories with a larger partition number are not partitions: somebody named `backup-20261128` like one. */
const LARGEST_PARTITION = 100_000
/** Prefix of ids that Kafka reserves; no topic has one. */
const RESERVED_ID = ZERO_UUID.slice(0, -1)

/** The broker that adopts topics. */
export interface Adopter {
  readonly nodeId: number
  /** log.dirs with their uuids. */
  readonly directories: readonly { readonly path: string; readonly directoryId: string }[]
  readonly settings: BrokerSettings
}

/** A topic rebuilt from its directories alone. */
export interface AdoptedTopic {
  readonly image: TopicImage
  /** Topic settings, visible and changeable like those set by a client. */
  readonly configs: ReadonlyMap<string, string>
  /** What the settings are derived from. */
  readonly evidence: 'internal' | 'compacted' | 'none'
}

interface StoredState {
  readonly topicId: string
  readonly leaderEpoch: number
  readonly directoryId: string
}

/**
 * Finds topics in data directories without a metadata log: from Kafka with ZooKeeper, or because the log is lost. The
 * largest partition number found gives the partition count; this broker leads all partitions. Settings are lost, and no
 * record may be removed on a guess. An internal topic gets the settings of a new one. A topic that the cleaner has
 * compacted is compacted. All others keep everything (an empty cleanup.policy, KIP-1073) until a user changes it. Names
 * prove nothing: any topic may end in `-changelog`.
 */
export function adoptedTopics(host: Host, found: readonly FoundPartition[], adopter: Adopter): AdoptedTopic[] {
  const topics = new Map<string, FoundPartition[]>()
  for (const each of found) {
    if (!isAdoptable(host, each)) continue
    const partitions = topics.get(each.topic) ?? []
    partitions[each.partition] = each
    topics.set(each.topic, partitions)
  }
  const compacted = compactedPartitions(host, adopter)
  const ids = new Set<string>()
  return [...topics].map(([name, partitions]) => adopt(host, adopter, { name, partitions, compacted, ids }))
}

/** True if the directory has a valid topic name, a plausible partition number and a segment. */
function isAdoptable({ files }: Host, { name, topic, partition, logDirectory }: FoundPartition): boolean {
  if (invalidTopicName(topic) !== undefined || partition > LARGEST_PARTITION) return false
  return files.list(files.join(logDirectory, name)).some((file) => file.endsWith(LOG_SUFFIX))
}

/** Partitions in the cleaner checkpoints, as `topic-0`. A damaged checkpoint counts as empty. */
function compactedPartitions({ files }: Host, { directories }: Adopter): Set<string> {
  const entries = directories.flatMap(({ path }) => {
    const text = files.readWhole(files.join(path, CLEANER_OFFSET_FILE))?.toString('utf8')
    return (text === undefined ? undefined : parseOffsets(text)) ?? []
  })
  return new Set(entries.map(({ topic, partition }) => `${topic}-${partition}`))
}

function adopt(
  host: Host,
  adopter: Adopter,
  topic: {
    readonly name: string
    readonly partitions: readonly (FoundPartition | undefined)[]
    readonly compacted: ReadonlySet<string>
    /** Topic ids in use. */
    readonly ids: Set<string>
  },
): AdoptedTopic {
  const { name, partitions } = topic
  const states = Array.from(partitions, (each) => each && readStoredState(host, each, adopter))
  const id = commonestId(states, topic.ids) ?? host.random.uuid()
  topic.ids.add(id)
  const evidence = isInternalTopic(name)
    ? 'internal'
    : partitions.some((each) => each !== undefined && topic.compacted.has(each.name))
      ? 'compacted'
      : 'none'
  return {
    image: {
      name,
      id,
      internal: isInternalTopic(name),
      partitions: states.map((each) => partitionOf(each, adopter)),
    },
    configs: configsOf(name, evidence, adopter.settings),
    evidence,
  }
}

/**
 * The topic id in most directories, of several the first. A damaged `partition.metadata` then costs its own partition,
 * not all others. A directory copied under another name has the original's id, which may be in use.
 */
function commonestId(states: readonly (StoredState | undefined)[], inUse: ReadonlySet<string>): string | undefined {
  const counts = new Map<string, number>()
  for (const state of states) {
    if (state === undefined || state.topicId.startsWith(RESERVED_ID) || inUse.has(state.topicId)) continue
    counts.set(state.topicId, (counts.get(state.topicId) ?? 0) + 1)
  }
  const most = Math.max(...counts.values())
  return [...counts].find(([, count]) => count === most)?.[0]
}

function configsOf(
  name: string,
  evidence: AdoptedTopic['evidence'],
  settings: BrokerSettings,
): ReadonlyMap<string, string> {
  switch (evidence) {
    case 'internal':
      return new Map(
        [...autoCreatedTopic(name, settings, 1).configs].flatMap(([key, value]) =>
          // Adopted topics have one replica.
          value === null || key === 'min.insync.replicas' ? [] : [[key, value] as const],
        ),
      )
    case 'compacted':
      return new Map([['cleanup.policy', 'compact']])
    case 'none':
      return new Map([['cleanup.policy', '']])
  }
}

function partitionOf(
  state: StoredState | undefined,
  { nodeId, directories }: Adopter,
): TopicImage['partitions'][number] {
  return {
    leader: nodeId,
    // Above every epoch in which the log was written.
    leaderEpoch: (state?.leaderEpoch ?? -1) + 1,
    partitionEpoch: 0,
    replicas: [nodeId],
    isr: [nodeId],
    addingReplicas: [],
    removingReplicas: [],
    eligibleLeaderReplicas: [],
    lastKnownEligibleLeaderReplicas: [],
    isRecovering: false,
    directories: [state?.directoryId ?? (directories.length === 1 ? directories[0]!.directoryId : ZERO_UUID)],
  }
}

function readStoredState(
  { files }: Host,
  { name, logDirectory }: FoundPartition,
  { directories }: Adopter,
): StoredState {
  const directory = files.join(logDirectory, name)
  return {
    topicId: topicIdIn(files, directory) ?? ZERO_UUID,
    leaderEpoch: lastLeaderEpoch(files, directory),
    directoryId: directories.find(({ path }) => path === logDirectory)?.directoryId ?? ZERO_UUID,
  }
}

/**
 * Last epoch in a partition's leader epoch checkpoint; -1 if there is none, or the disk cannot read it. Opening the log
 * of such a partition fails, and only that log.
 */
export function lastLeaderEpoch(files: Files, directory: string): number {
  try {
    const text = files.readWhole(files.join(directory, LEADER_EPOCH_FILE))?.toString('utf8')
    return (text === undefined ? undefined : parseEpochs(text))?.at(-1)?.epoch ?? -1
  } catch (error) {
    if (!isSystemError(error)) throw error
    return -1
  }
}

/** Log line about what is lost with the metadata log. */
export function lostMetadataLine(metadataLog: string, topicCount: number): string {
  const topics = topicCount === 1 ? '1 topic is' : `${topicCount} topics are`
  return (
    `${metadataLog} is missing or empty, as after Kafka with ZooKeeper: ${topics} adopted from partition directories; ` +
    'settings of topics and brokers, quotas and credentials are lost unless a backup of it is restored'
  )
}

/** Log line about an adopted topic: the settings assumed and how to change them. */
export function adoptionLine({ image, evidence, configs }: AdoptedTopic, bootstrapServer: string): string {
  const { name, partitions } = image
  const count = `${partitions.length} ${partitions.length === 1 ? 'partition' : 'partitions'}`
  const settings = [...configs].map(([key, value]) => `${key}=${value}`).join(', ')
  const begin = `adopted topic ${name} (${count}) from its directories, which do not contain its settings`
  if (evidence === 'internal') return `${begin}, so it gets the settings of a new ${name}: ${settings}`
  const why =
    evidence === 'compacted'
      ? 'because cleaner-offset-checkpoint shows that it was compacted'
      : 'so that nothing is deleted or compacted, because its former policy is unknown'
  const other = evidence === 'compacted' ? "'cleanup.policy=[compact,delete]'" : 'cleanup.policy=compact'
  return (
    `${begin}: ${settings} is assumed, ${why}; to change it: kafka-configs.sh --bootstrap-server ${bootstrapServer} ` +
    `--alter --entity-type topics --entity-name ${name} --add-config ${other} (or cleanup.policy=delete)`
  )
}
