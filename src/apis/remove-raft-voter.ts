import { RemoveRaftVoter } from '../../protocol/apis/remove-raft-voter.ts'
import { fixedQuorum } from './fixed-quorum.ts'
import { handler } from './handler.ts'

/** Changes the quorum, which is one node for good: UNSUPPORTED_VERSION. Source: KafkaRaftClient. */
export const removeRaftVoter = handler(RemoveRaftVoter, ({ clusterId }, { services }) =>
  fixedQuorum('removing', clusterId, services),
)
