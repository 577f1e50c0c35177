import type { RequestContext } from './handler.ts'

/** A broker as one client is told to reach it. */
export interface ClientEndpoint {
  readonly nodeId: number
  readonly host: string
  readonly port: number
}

/**
 * Where this client finds a broker: what is advertised on the client's listener, else the address that the client
 * itself came in on. Undefined where no such broker is alive.
 */
export function clientEndpoint(nodeId: number, context: RequestContext): ClientEndpoint | undefined {
  const broker = context.services.metadata.image.brokers.get(nodeId)
  if (broker === undefined || broker.fenced) return undefined
  const advertised = broker.endpoints.get(context.listener)
  if (advertised !== undefined) return { nodeId, ...advertised }
  if (nodeId !== context.services.nodeId) return undefined
  return { nodeId, host: context.localAddress, port: context.localPort }
}
