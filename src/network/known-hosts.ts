import type { Transport } from './transport.ts'

/** True for an address, or a name that resolves to one. */
export function isHost(transport: Pick<Transport, 'lookUp'>, name: string): Promise<boolean> {
  return transport.lookUp(name).then(
    (addresses) => addresses.length > 0,
    // By its contract the transport rejects a name without an address.
    () => false,
  )
}
