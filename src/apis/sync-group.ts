import { SyncGroup, type SyncGroupRequest } from '../../protocol/apis/sync-group.ts'
import { errorCode } from '../../protocol/error-codes.ts'
import { handler, whileConnected } from './handler.ts'

const PROTOCOL_NAMED_VERSION = 5

/** Stores (leader) or returns a member's assignment. Source: KafkaApis.handleSyncGroupRequest. */
export const syncGroup = handler(SyncGroup, (request, context) => {
  if (context.apiVersion >= PROTOCOL_NAMED_VERSION && !namesProtocol(request)) {
    return { errorCode: errorCode('INCONSISTENT_GROUP_PROTOCOL'), assignment: Buffer.alloc(0) }
  }
  return whileConnected(context, context.services.groups.sync(request))
})

function namesProtocol({ protocolType, protocolName }: SyncGroupRequest): boolean {
  return protocolType !== null && protocolName !== null
}
