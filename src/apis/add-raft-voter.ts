import { AddRaftVoter } from '../../protocol/apis/add-raft-voter.ts'
import { fixedQuorum } from './fixed-quorum.ts'
import { handler } from './handler.ts'

/** Changes the quorum, which is one node for good: UNSUPPORTED_VERSION. Source: KafkaRaftClient. */
export const addRaftVoter = handler(AddRaftVoter, ({ clusterId }, { services }) =>
  fixedQuorum('adding', clusterId, services),
)
