import { Heartbeat } from '../../protocol/apis/heartbeat.ts'
import { handler } from './handler.ts'

/** Keeps a member of a classic group alive. Source: KafkaApis.handleHeartbeatRequest. */
export const heartbeat = handler(Heartbeat, (request, { services }) => services.groups.heartbeat(request))
