import { RemoveRaftVoter } from '../../protocol/apis/remove-raft-voter.ts'
import { fixedQuorum, voterFault } from './fixed-quorum.ts'
import { handler } from './handler.ts'

/** Refuses with UNSUPPORTED_VERSION: the quorum is this one node. Source: KafkaRaftClient. */
export const removeRaftVoter = handler(RemoveRaftVoter, (request, { services }) => {
  const { code, message } = voterFault('Remove', request, services) ?? fixedQuorum('removing', services)
  return { errorCode: code, errorMessage: message }
})
