import { JoinGroup, type JoinGroupResponse } from '../../protocol/apis/join-group.ts'
import { groupClient } from './group-client.ts'
import { handler, whileConnected } from './handler.ts'

/** First version whose response may have a null protocol name. Source: JoinGroupResponse. */
const NO_PROTOCOL_VERSION = 7

/**
 * Joins a classic group. The answer is sent when the generation is complete. Source: KafkaApis.handleJoinGroupRequest.
 */
export const joinGroup = handler(JoinGroup, async (request, context) => {
  // v0 has the session timeout only; it is the rebalance timeout too.
  const rebalanceTimeoutMs = context.apiVersion === 0 ? request.sessionTimeoutMs : request.rebalanceTimeoutMs
  const joined = context.services.groups.join({ ...request, rebalanceTimeoutMs }, groupClient(context))
  const response = await whileConnected(context, joined)
  if (response === undefined) return undefined
  return context.apiVersion >= NO_PROTOCOL_VERSION ? response : withProtocol(response)
})

function withProtocol(response: JoinGroupResponse): JoinGroupResponse {
  return response.protocolName === null ? { ...response, protocolName: '' } : response
}
