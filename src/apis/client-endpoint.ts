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
