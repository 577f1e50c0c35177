import type { MetadataImage } from '../metadata/metadata-image.ts'
import type { RequestContext } from './handler.ts'

/** Address of a broker as sent to a client. */
export interface ClientEndpoint {
  readonly nodeId: number
  readonly host: string
  readonly port: number
}

/**
 * Where this client reaches a broker: its registered address for the client's listener. A broker that listens on all
 * interfaces and advertises nothing is reached at the address that the client connected to. Undefined if the broker is
 * not alive, or has no such listener.
 */
export function clientEndpoint(nodeId: number, context: RequestContext): ClientEndpoint | undefined {
  const broker = context.services.metadata.image.brokers.get(nodeId)
  const endpoint = broker?.endpoints.get(context.listener)
  if (broker === undefined || broker.fenced || endpoint === undefined) return undefined
  return { nodeId, host: endpoint.host || context.localAddress, port: endpoint.port }
}

/**
 * Id of the broker that clients send controller requests to. Every broker passes them on (KIP-590), so Kafka answers any
 * that is alive. Here it is the controller's own, unless that broker is down; -1 if none is alive. Source:
 * KRaftMetadataCache.getControllerId.
 */
export function controllerIdOf({ brokers, controllerId }: MetadataImage): number {
  if (brokers.get(controllerId)?.fenced === false) return controllerId
  const alive = [...brokers.values()].filter(({ fenced }) => !fenced).map(({ nodeId }) => nodeId)
  return alive.length === 0 ? -1 : Math.min(...alive)
}
