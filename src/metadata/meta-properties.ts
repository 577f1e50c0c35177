import type { Host } from '../../storage/host/host.ts'
import { parseProperties } from '../config/server-properties.ts'

const FILE_NAME = 'meta.properties'

/** Whose data a broker's directories hold. */
export interface Identity {
  readonly clusterId: string
  readonly nodeId: number
  /** Uuid of each directory, in the order of the directories. */
  readonly directoryIds: readonly string[]
}

/** What the user set by hand; undefined: nothing. */
export interface WantedIdentity {
  readonly clusterId: string | undefined
  readonly nodeId: number | undefined
}

/** Why the directories cannot be this broker's: one line that says what to do. */
export class IdentityConflict {
  readonly message: string
  constructor(message: string) {
    this.message = message
  }
}

interface Found {
  readonly file: string
  readonly clusterId: string | undefined
  readonly nodeId: number | undefined
  readonly directoryId: string | undefined
  readonly version: string | undefined
}

/**
 * Reads meta.properties of each directory, adopts what is there, and writes what is missing, in Kafka's version 1 (that
 * of ZooKeeper's time, version 0, has broker.id and no directory.id). Source: MetaPropertiesEnsemble.
 */
export function establishIdentity(
  host: Host,
  directories: readonly string[],
  wanted: WantedIdentity,
): Identity | IdentityConflict {
  const found = directories.map((directory) => read(host, directory))
  const clusterId = agreed(found, 'cluster.id', (each) => each.clusterId, wanted.clusterId)
  if (clusterId instanceof IdentityConflict) return clusterId
  const nodeId = agreed(found, 'node.id', (each) => each.nodeId, wanted.nodeId)
  if (nodeId instanceof IdentityConflict) return nodeId
  const identity = {
    clusterId: clusterId ?? host.random.uuid(),
    nodeId: nodeId ?? 1,
    directoryIds: found.map((each) => each.directoryId ?? host.random.uuid()),
  }
  found.forEach((each, index) => {
    const complete = each.version === '1' && each.clusterId !== undefined && each.directoryId !== undefined
    if (!complete) write(host, each.file, identity, identity.directoryIds[index] as string)
  })
  return identity
}

function read(host: Host, directory: string): Found {
  host.files.makeDirectory(directory)
  const file = host.files.join(directory, FILE_NAME)
  const settings = parseProperties(host.files.readWhole(file)?.toString('latin1') ?? '')
  const node = settings.get('node.id') ?? settings.get('broker.id')
  return {
    file,
    clusterId: settings.get('cluster.id'),
    nodeId: node === undefined ? undefined : Number(node),
    directoryId: settings.get('directory.id'),
    version: settings.get('version'),
  }
}

function agreed<T extends string | number>(
  found: readonly Found[],
  name: string,
  valueIn: (each: Found) => T | undefined,
  wanted: T | undefined,
): T | undefined | IdentityConflict {
  const first = found.find((each) => valueIn(each) !== undefined)
  if (first === undefined) return wanted
  const value = valueIn(first) as T
  const other = found.find((each) => valueIn(each) !== undefined && valueIn(each) !== value)
  if (other !== undefined)
    return new IdentityConflict(
      `${first.file} says ${name}=${value}, ${other.file} says ${name}=${valueIn(other)}: ` +
        `these directories do not belong together, correct log.dirs`,
    )
  if (wanted !== undefined && wanted !== value)
    return new IdentityConflict(
      `${first.file} says ${name}=${value}, the settings say ${name}=${wanted}: ` +
        `remove ${name} from the settings to use this data, or set log.dirs to another directory`,
    )
  return value
}

function write(host: Host, file: string, identity: Identity, directoryId: string): void {
  const lines = [
    '#',
    `#${new Date(host.clock.nowMs()).toUTCString()}`,
    `node.id=${identity.nodeId}`,
    `directory.id=${directoryId}`,
    'version=1',
    `cluster.id=${identity.clusterId}`,
  ]
  host.files.replaceWhole(file, `${lines.join('\n')}\n`)
}
