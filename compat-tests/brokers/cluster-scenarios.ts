import { ApiVersions } from '../../protocol/apis/api-versions.ts'
import { DescribeCluster } from '../../protocol/apis/describe-cluster.ts'
import { DescribeConfigs } from '../../protocol/apis/describe-configs.ts'
import { DescribeLogDirs } from '../../protocol/apis/describe-log-dirs.ts'
import { DescribeQuorum } from '../../protocol/apis/describe-quorum.ts'
import { DescribeTopicPartitions } from '../../protocol/apis/describe-topic-partitions.ts'
import { InitProducerId } from '../../protocol/apis/init-producer-id.ts'
import { Metadata } from '../../protocol/apis/metadata.ts'
import { UnregisterBroker } from '../../protocol/apis/unregister-broker.ts'
import type { ValueOf } from '../../protocol/schema.ts'
import { waitFor } from '../wait-for.ts'
import type { Scenario } from './scenario.ts'
import type { Side } from './side.ts'
import { createTopics } from './topics.ts'

const metadataVersions = Array.from({ length: 14 }, (_, version) => version)

/** Brokers name any running broker as the controller, at random. */
export function withoutController<T extends { readonly controllerId: number }>(side: Side) {
  return ({ controllerId, ...rest }: T) => ({ ...rest, isControllerRunning: side.cluster.running.has(controllerId) })
}

/** Metadata of these topics in every version, and from every running broker. */
export async function describeInAllVersions(side: Side, what: string, names: readonly string[]): Promise<void> {
  for (const version of metadataVersions) {
    const topics = names.map((name) => ({ name }))
    const request = { topics, ...(version >= 4 ? { allowAutoTopicCreation: false } : {}) }
    await side.atEach(Metadata, version, what, request, version === 0 ? undefined : withoutController(side))
  }
}

/** What is the same whenever and at whichever broker it is asked. */
export function quorumOf({ topics, ...rest }: ValueOf<typeof DescribeQuorum.response.fields>) {
  const replica = ({ replicaId }: { readonly replicaId: number }) => replicaId
  const partitions = topics.map((topic) =>
    topic.partitions.map(({ leaderEpoch, highWatermark, currentVoters, observers, ...others }) => ({
      ...others,
      hasEpoch: leaderEpoch > 0,
      hasHighWatermark: highWatermark > 0,
      voters: currentVoters.map(replica),
      observers: observers.map(replica).sort(),
    })),
  )
  return { ...rest, partitions }
}

export const askQuorum = {
  topics: [{ topicName: '__cluster_metadata', partitions: [{ partitionIndex: 0 }] }],
}

const metadata: Scenario = {
  name: 'the cluster: metadata in all versions, from each broker',
  run: async (side) => {
    await createTopics(side, [
      ['metadata-three', [[3, 1, 2]]],
      ['metadata-one', [[1], [2], [3]]],
    ])
    await describeInAllVersions(side, 'two topics and one that is not there', [
      'metadata-three',
      'metadata-one',
      'metadata-none',
    ])
    for (const limit of [1, 2, 2000])
      await side.atEach(DescribeTopicPartitions, 0, `up to ${limit}`, {
        topics: [{ name: 'metadata-one' }, { name: 'metadata-three' }],
        responsePartitionLimit: limit,
      })
  },
}

const describing: Scenario = {
  name: 'the cluster: brokers, quorum, versions, directories',
  run: async (side) => {
    for (const version of [0, 1, 2])
      for (const endpointType of version === 0 ? [1] : [1, 2])
        for (const includeFencedBrokers of version < 2 ? [false] : [false, true])
          await side.atEach(
            DescribeCluster,
            version,
            `endpoints ${endpointType}, fenced ${includeFencedBrokers}`,
            { endpointType, includeFencedBrokers, includeClusterAuthorizedOperations: true },
            withoutController(side),
          )
    for (const version of [0, 1, 2]) await side.atEach(DescribeQuorum, version, 'of the metadata', askQuorum, quorumOf)
    await side.atEach(
      ApiVersions,
      4,
      'features',
      { clientSoftwareName: 'raw', clientSoftwareVersion: '1' },
      ({ apiKeys: _, finalizedFeaturesEpoch: __, ...rest }) => rest,
    )
    const configurationKeys = ['broker.rack', 'node.id', 'process.roles', 'min.insync.replicas', 'num.io.threads']
    for (const resourceName of ['1', '2', '3', ''])
      await side.atEach(DescribeConfigs, 4, `broker '${resourceName}'`, {
        resources: [{ resourceType: 4, resourceName, configurationKeys }],
      })
    await side.atEach(
      DescribeLogDirs,
      4,
      'two topics',
      {
        topics: ['metadata-three', 'metadata-one'].map((topic) => ({ topic, partitions: [0, 1, 2] })),
      },
      ({ results, ...rest }) => ({
        ...rest,
        topics: results.flatMap(({ topics }) => topics),
      }),
    )
  },
}

const producerIds: Scenario = {
  name: 'the cluster: each broker gives other producer ids',
  run: async (side) => {
    const given = new Set<number>()
    for (const nodeId of side.running)
      await waitFor('a producer id', async () => {
        const request = { transactionalId: null, transactionTimeoutMs: 1000 }
        const { errorCode, producerId } = await side.at(nodeId)(InitProducerId, 4, '~', request)
        if (errorCode === 0) given.add(Number(producerId))
        return errorCode === 0
      })
    side.note('different producer ids', given.size)
  },
}

const unregistered: Scenario = {
  name: 'the cluster: brokers that never were are not unregistered',
  run: async (side) => {
    for (const brokerId of [7, -1]) await side.atEach(UnregisterBroker, 0, `broker ${brokerId}`, { brokerId })
  },
}

export const clusterScenarios: readonly Scenario[] = [metadata, describing, producerIds, unregistered]
