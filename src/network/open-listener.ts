import { inUrl, isWildcard, type ListenerAddress } from '../config/listeners.ts'
import { StartError } from '../config/start-error.ts'
import type { Listening, Peer, PeerHandler, Transport } from './transport.ts'

/** Address that a broker listens on. If port 0 was configured, port is the one that the system chose. */
export interface BrokerAddress {
  readonly listener: string
  /** Name or address to connect to; localhost if the broker listens on all interfaces. */
  readonly host: string
  readonly port: number
  readonly isEveryInterface: boolean
}

/** An open port, and where it is. */
export interface OpenListener {
  readonly listening: Listening
  readonly address: BrokerAddress
}

/**
 * Starts to accept connections of a listener. Throws StartError, naming the listener, if its address is in use. owner:
 * the broker, if no setting names the address.
 */
export async function openListener(
  transport: Transport,
  { name, host, port }: ListenerAddress,
  backlog: number,
  accept: (peer: Peer) => PeerHandler,
  owner?: string,
): Promise<OpenListener> {
  try {
    const listening = await transport.listen({ host, port, backlog }, accept)
    const isEveryInterface = isWildcard(host)
    const reachableAt = isEveryInterface ? 'localhost' : host
    return { listening, address: { listener: name, host: reachableAt, port: listening.port, isEveryInterface } }
  } catch (error) {
    const { code, message, address } = error as { code?: string; message: string; address?: string }
    if (code === undefined) throw error
    const where = address === undefined || address === host ? '' : ` on ${address}`
    const reason = code === 'EADDRINUSE' ? `the port is in use${where}` : message
    const [forOwner, remedy] =
      owner === undefined
        ? ['', 'another address']
        : [` for ${owner}`, 'an address whose next ports are free for the other brokers']
    throw new StartError(
      `cannot listen on ${name}://${inUrl(host)}:${port}${forOwner}: ${reason}; set listeners to ${remedy}`,
    )
  }
}
