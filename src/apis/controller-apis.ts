import { addRaftVoter } from './add-raft-voter.ts'
import { alterClientQuotas } from './alter-client-quotas.ts'
import { alterConfigsOfController } from './alter-configs.ts'
import { alterPartitionReassignments } from './alter-partition-reassignments.ts'
import { alterUserScramCredentials } from './alter-user-scram-credentials.ts'
import { apiVersionsOfController } from './api-versions.ts'
import { createAcls } from './create-acls.ts'
import { createDelegationToken } from './create-delegation-token.ts'
import { createPartitions } from './create-partitions.ts'
import { createTopics } from './create-topics.ts'
import { deleteAcls } from './delete-acls.ts'
import { deleteTopics } from './delete-topics.ts'
import { describeAcls } from './describe-acls.ts'
import { describeClusterOfController } from './describe-cluster.ts'
import { describeConfigs } from './describe-configs.ts'
import { describeDelegationTokenOfController } from './describe-delegation-token.ts'
import { describeQuorum } from './describe-quorum.ts'
import { describeUserScramCredentialsOfController } from './describe-user-scram-credentials.ts'
import { electLeaders } from './elect-leaders.ts'
import { expireDelegationToken } from './expire-delegation-token.ts'
import type { Handler } from './handler.ts'
import { incrementalAlterConfigsOfController } from './incremental-alter-configs.ts'
import { listPartitionReassignments } from './list-partition-reassignments.ts'
import { removeRaftVoter } from './remove-raft-voter.ts'
import { renewDelegationToken } from './renew-delegation-token.ts'
import { saslAuthenticate } from './sasl-authenticate.ts'
import { saslHandshake } from './sasl-handshake.ts'
import { unregisterBroker } from './unregister-broker.ts'
import { unregisterController } from './unregister-controller.ts'
import { updateFeatures } from './update-features.ts'

/**
 * Handlers of controller listeners, by API key. APIs between the nodes of a quorum are not among them: there is one
 * node. Source: ControllerApis.handle, and "listeners" in Kafka's message definitions.
 */
// biome-ignore lint/suspicious/noExplicitAny: handlers of every api stand in one list
export const controllerHandlers: readonly Handler<any>[] = [
  saslHandshake,
  apiVersionsOfController,
  createTopics,
  deleteTopics,
  describeAcls,
  createAcls,
  deleteAcls,
  describeConfigs,
  alterConfigsOfController,
  saslAuthenticate,
  createPartitions,
  createDelegationToken,
  renewDelegationToken,
  expireDelegationToken,
  describeDelegationTokenOfController,
  electLeaders,
  incrementalAlterConfigsOfController,
  alterPartitionReassignments,
  listPartitionReassignments,
  alterClientQuotas,
  describeUserScramCredentialsOfController,
  alterUserScramCredentials,
  describeQuorum,
  updateFeatures,
  describeClusterOfController,
  unregisterBroker,
  addRaftVoter,
  removeRaftVoter,
  unregisterController,
]
