import { JoinGroup, type JoinGroupResponse } from '../../protocol/apis/join-group.ts'
import { groupClient } from './group-client.ts'
import { handler, whileConnected } from './handler.ts'

/** Only since this version may no protocol be named. Source: JoinGroupResponse. */
const NO_PROTOCOL_VERSION = 7

/** Enters a classic group; answered when its generation has formed. Source: KafkaApis.handleJoinGroupRequest. */
export const joinGroup = handler(JoinGroup, async (request, context) => {
  // v0 has one timeout for both.
  const rebalanceTimeoutMs = context.apiVersion === 0 ? request.sessionTimeoutMs : request.rebalanceTimeoutMs
  const joined = context.services.groups.join({ ...request, rebalanceTimeoutMs }, groupClient(context))
  const response = await whileConnected(context, joined)
  if (response === undefined) return undefined
  return context.apiVersion >= NO_PROTOCOL_VERSION ? response : withProtocol(response)
})

function withProtocol(response: JoinGroupResponse): JoinGroupResponse {
  return response.protocolName === null ? { ...response, protocolName: '' } : response
}
