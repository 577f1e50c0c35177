import { reject } from '../../protocol/error-codes.ts'
import type { Host } from '../../storage/host/host.ts'
import type { ConfigStore } from '../config/config-store.ts'
import { checkTopicConfig } from '../config/topic-config-rules.ts'
import type { HostedReplicas } from './hosted-replicas.ts'
import type { TopicRules } from './topic-changes.ts'

/** Decision inputs from a broker's settings, random source and directories. */
export function topicRules(host: Host, configs: ConfigStore, hosted: HostedReplicas): TopicRules {
  return {
    get defaultPartitionCount() {
      return configs.broker.numPartitions
    },
    get defaultReplicationFactor() {
      return configs.broker.defaultReplicationFactor
    },
    checkConfigs(_, wanted) {
      const fault = checkTopicConfig(new Map(), wanted, configs)
      return fault === undefined ? undefined : reject('INVALID_CONFIG', fault.message)
    },
    newTopicId: () => host.random.uuid(),
    random: (bound) => host.random.below(bound),
    takesReplicas: (id) => !hosted.nodes.has(id) || !hosted.directoryIds.every((_, index) => configs.isCordoned(index)),
    minInsyncReplicas: (topic) => configs.topic(topic).minInsyncReplicas,
    allowsUncleanElection: (topic) => configs.topic(topic).uncleanLeaderElectionEnable,
  }
}
