/*
 * Brokers that ran in this process before and do not now, because it was started with fewer. Their replicas are offline,
 * although the process has the data: as in Kafka, until they are back, or until all is moved to the first broker.
 */
import { UnregisterBrokerRecord } from '../../protocol/internal-records/broker-records.ts'
import { encodeMetadataRecord } from '../../protocol/internal-records/metadata-framing.ts'
import { ZERO_UUID } from '../../protocol/schema.ts'
import { listed } from '../config/listed.ts'
import type { ClusterImage } from './cluster-image.ts'
import type { HostedReplicas } from './hosted-replicas.ts'
import type { MetadataImage, PartitionImage } from './metadata-image.ts'
import { MAX_RECORDS_PER_CHANGE } from './metadata-writer.ts'
import { isReassigning, type PartitionChange, partitionChangeRecord } from './partition-change.ts'
import type { Part } from './partition-changes.ts'
import { directoriesSupported, newClusterFeatures } from './record-versions.ts'

/** Registered brokers whose data directories are those of this process, without those that run in it. */
export function absentBrokers({ brokers }: MetadataImage, hosted: HostedReplicas): number[] {
  const isAbsent = ({ nodeId, directories }: { readonly nodeId: number; readonly directories: readonly string[] }) =>
    !hosted.nodes.has(nodeId) && directories.some((id) => hosted.hasDirectory(nodeId, id))
  return [...brokers.values()].filter(isAbsent).map(({ nodeId }) => nodeId)
}

/**
 * Why a broker cannot run in this process; undefined: it can. A broker of another machine, whose replicas are there, must
 * not seem to have its data here, and old metadata does not tell the two apart.
 */
export function foreignBrokerFault(
  { brokers, features }: Pick<MetadataImage, 'brokers' | 'features'>,
  hosted: HostedReplicas,
  nodeId: number,
): string | undefined {
  if (nodeId === hosted.firstNodeId) return undefined
  if (!directoriesSupported(features))
    return (
      `broker ${nodeId} cannot run beside broker ${hosted.firstNodeId}: metadata.version of this cluster is older than ` +
      '3.7-IV2, so it would not be known which brokers have their data here; start with --brokers 1 and raise it: ' +
      `kafka-features.sh --bootstrap-server <host:port> upgrade --feature metadata.version=${newClusterFeatures.get('metadata.version')}`
    )
  const directories = brokers.get(nodeId)?.directories ?? []
  if (directories.length === 0 || directories.some((id) => hosted.hasDirectory(nodeId, id))) return undefined
  return (
    `broker ${nodeId} is registered with other data directories than those in log.dirs: it ran on another machine, or ` +
    `log.dirs has changed; start without it (--brokers ${Math.max(1, nodeId - hosted.firstNodeId)}), or name its directories in log.dirs`
  )
}

/**
 * Moves all replicas of this process to one broker, and removes its other brokers. Replicas of other processes stay. The
 * result is true if more parts follow.
 */
export function* moveAllTo(nodeId: number, image: ClusterImage, hosted: HostedReplicas): Part {
  const records: Buffer[] = []
  for (const topic of image.topicsByName.values()) {
    for (const [index, partition] of topic.partitions.entries()) {
      const change = moved(partition, nodeId, image, hosted)
      if (change === undefined) continue
      if (records.length >= MAX_RECORDS_PER_CHANGE) return { records, result: true }
      records.push(partitionChangeRecord(topic.id, index, change, image.features))
      yield
    }
    yield
  }
  const absent = absentBrokers(image, hosted)
  if (records.length + absent.length > MAX_RECORDS_PER_CHANGE) return { records, result: true }
  for (const brokerId of absent) {
    const brokerEpoch = image.registrations.get(brokerId)!.epoch
    records.push(encodeMetadataRecord(UnregisterBrokerRecord, 0, { brokerId, brokerEpoch }))
  }
  return { records, result: false }
}

function moved(
  partition: PartitionImage,
  nodeId: number,
  image: ClusterImage,
  hosted: HostedReplicas,
): PartitionChange | undefined {
  const isHosted = (node: number) => hosted.hostsReplica(image, partition, node)
  const { replicas, isr, eligibleLeaderReplicas, lastKnownEligibleLeaderReplicas, directories } = partition
  const others = replicas.filter((node) => !isHosted(node))
  // If none of them was in sync, this process does not have all of the data.
  const inSync = [...isr, ...eligibleLeaderReplicas, ...lastKnownEligibleLeaderReplicas]
  const isElsewhere = replicas.some((node) => node !== nodeId && isHosted(node))
  if (!isElsewhere || !inSync.some(isHosted)) return undefined
  const directoryOf = (node: number) => directories[replicas.indexOf(node)] ?? ZERO_UUID
  const own = hosted.idFor(nodeId, hosted.directoryOf(partition) ?? ZERO_UUID)
  return {
    replicas: [nodeId, ...others],
    isr: [nodeId, ...isr.filter((node) => others.includes(node))],
    leader: nodeId,
    ...(isReassigning(partition) ? { addingReplicas: [], removingReplicas: [] } : {}),
    // Older metadata versions have no fields for these.
    ...(eligibleLeaderReplicas.length === 0 ? {} : { eligibleLeaderReplicas: [] }),
    ...(lastKnownEligibleLeaderReplicas.length === 0 ? {} : { lastKnownEligibleLeaderReplicas: [] }),
    ...(directories.length === 0 ? {} : { directories: [own, ...others.map(directoryOf)] }),
  }
}

/** Tells the user what became of brokers that were not started, and what to do. */
export function absentBrokersLine(
  absent: readonly number[],
  { image, first, isMoved }: { readonly image: MetadataImage; readonly first: number; readonly isMoved: boolean },
): string {
  const [brokers, they, them, are] =
    absent.length === 1 ? ['broker', 'it', 'it', 'is'] : ['brokers', 'they', 'them', 'are']
  const named = `${brokers} ${listed(absent.map(String))}`
  if (isMoved) return `${named} ${are} removed, and all that ${they} had is moved to broker ${first} (num.brokers=1)`
  const most = Math.max(first, ...absent) - first + 1
  const offline = offlineCount(image)
  const partitions = offline === 1 ? '1 partition has' : `${offline} partitions have`
  const state = offline === 0 ? 'others lead their partitions' : `${partitions} no leader`
  return (
    `${named} ran on this data and ${are} not started: ${state}; start with --brokers ${most} to have ${them} back, or ` +
    `with --brokers 1 to move all to broker ${first}`
  )
}

function offlineCount({ topicsByName }: MetadataImage): number {
  let count = 0
  for (const { partitions } of topicsByName.values()) count += partitions.filter(({ leader }) => leader === -1).length
  return count
}
