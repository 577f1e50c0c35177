import { InvalidSetting } from './config-value.ts'
import { LARGEST_PORT } from './listeners.ts'

/** Where this process serves ZooKeeper's clients. */
export interface ZooKeeperAddress {
  readonly host: string
  /** 0: any free one. */
  readonly port: number
  /** Path below which Kafka's nodes are; '' is the root. */
  readonly chroot: string
}

const DEFAULT_PORT = 2181
const SETTING = 'zookeeper.connect'

/**
 * Reads zookeeper.connect: `host:port,host:port/chroot`. It names a port of this machine: serve ZooKeeper's clients
 * there. Anything else gets a line for the log: Ottla connects to no ZooKeeper. Undefined if it is not set. Source:
 * ConnectStringParser.
 */
export function readZooKeeperConnect(
  text: string | undefined,
  hostName: string | undefined,
): ZooKeeperAddress | InvalidSetting | undefined {
  if (text === undefined || text.trim() === '') return undefined
  const [, servers = '', chroot = ''] = /^([^/]*)(\/.*)?$/s.exec(text.trim()) ?? []
  const given = `${SETTING}=${text.trim()}`
  const addresses = servers.split(',').map((server) => addressOf(server.trim()))
  const [address] = addresses
  if (address === undefined || addresses.includes(undefined) || !isChroot(chroot))
    return new InvalidSetting(`${given} is no address like localhost:2181: ZooKeeper clients are not served`)
  if (addresses.length > 1 || !isHere(address.host, hostName))
    return new InvalidSetting(
      `${given} names other machines: Ottla keeps metadata in its data directory, connects to no ZooKeeper and serves no ZooKeeper clients`,
    )
  return { ...address, chroot: chroot === '/' ? '' : chroot }
}

function addressOf(server: string): { readonly host: string; readonly port: number } | undefined {
  const [, v6, plain, portText] = /^(?:\[([0-9a-fA-F:.%]+)\]|([^:[\]\s]+))(?::(\d{1,5}))?$/.exec(server) ?? []
  const host = v6 ?? plain
  const port = portText === undefined ? DEFAULT_PORT : Number(portText)
  return host === undefined || port > LARGEST_PORT ? undefined : { host, port }
}

function isChroot(path: string): boolean {
  return path === '' || path === '/' || /^(\/(?!\.{1,2}(\/|$))[^/\s]+)+$/.test(path)
}

function isHere(host: string, hostName: string | undefined): boolean {
  const name = host.toLowerCase()
  return name === 'localhost' || name === '::1' || /^127(\.\d{1,3}){3}$/.test(name) || name === hostName?.toLowerCase()
}
