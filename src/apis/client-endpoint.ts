import type { RequestContext } from './handler.ts'

/** Address of a broker as sent to a client. */
export interface ClientEndpoint {
  readonly nodeId: number
  readonly host: string
  readonly port: number
}

/**
 * Where this client reaches a broker: the advertised address of the client's listener, else the address that the client
 * connected to. Undefined if no such broker is alive.
 */
export function clientEndpoint(nodeId: number, context: RequestContext): ClientEndpoint | undefined {
  const broker = context.services.metadata.image.brokers.get(nodeId)
  if (broker === undefined || broker.fenced) return undefined
  const advertised = broker.endpoints.get(context.listener)
  if (advertised !== undefined) return { nodeId, ...advertised }
  if (nodeId !== context.services.nodeId) return undefined
  return { nodeId, host: context.localAddress, port: context.localPort }
}
