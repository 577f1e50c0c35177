import { parseUuidText } from '../../protocol/uuid-text.ts'
import { eachAlone } from '../../storage/failure-policy.ts'
import type { Host } from '../../storage/host/host.ts'
import { parsePartitionDirectory } from '../../storage/segment/file-names.ts'
import { parseProperties } from '../config/server-properties.ts'
import { type IdentityConflict, type MetaProperties, metaPropertiesConflict } from './meta-properties-rules.ts'

const FILE_NAME = 'meta.properties'

/** The cluster and node that the data directories belong to. */
export interface Identity {
  readonly clusterId: string
  readonly nodeId: number
  /** Uuids of the directories, in the order of `files`. */
  readonly directoryIds: readonly string[]
  /** Directories without meta.properties and data: newly added to log.dirs, or not mounted. */
  readonly unformatted: readonly string[]
  /** The files as read, in the order of the directories, without those that cannot be read. */
  readonly files: readonly MetaProperties[]
}

/** Ids set by the user; undefined if not set. */
export interface WantedIdentity {
  readonly clusterId: string | undefined
  readonly nodeId: number | undefined
}

/** Called for a directory whose files cannot be read or written. */
export type OnDirectoryFailure = (directory: string, error: Error) => void

/**
 * Reads meta.properties of all directories and generates missing ids. Writes nothing. Leaves out directories that cannot
 * be read. Refuses what Kafka refuses. Version 0 (ZooKeeper) has broker.id and no directory.id. Source:
 * MetaPropertiesEnsemble.
 */
export function readIdentity(
  host: Host,
  directories: readonly string[],
  wanted: WantedIdentity,
  onFailure: OnDirectoryFailure,
): Identity | IdentityConflict {
  const files: MetaProperties[] = []
  const read = (directory: string) => {
    host.files.makeDirectory(directory)
    files.push(readMetaProperties(host, directory))
  }
  eachAlone(host, directories, read, onFailure)
  const conflict = metaPropertiesConflict(files, wanted)
  if (conflict !== undefined) return conflict
  const clusterId = files.find((each) => each.clusterId !== undefined)?.clusterId ?? wanted.clusterId
  const nodeId = files.find((each) => each.nodeId !== undefined)?.nodeId ?? wanted.nodeId
  return {
    clusterId: clusterId ?? host.random.uuid(),
    nodeId: nodeId ?? 1,
    directoryIds: files.map((each) => each.directoryId ?? host.random.uuid()),
    unformatted: files.filter((each) => !each.exists).map((each) => each.directory),
    files,
  }
}

/** Writes missing and incomplete files in Kafka's version 1. */
export function writeIdentity(host: Host, identity: Identity, onFailure: OnDirectoryFailure): void {
  const writeIfIncomplete = ([index, each]: [number, MetaProperties]) => {
    const isComplete = each.version === '1' && each.directoryId !== undefined
    if (!isComplete) write(host, each.file, identity, identity.directoryIds[index] as string)
  }
  eachAlone(host, identity.files.entries(), writeIfIncomplete, ([, { directory }], error) =>
    onFailure(directory, error),
  )
}

/** What a directory says of itself; the directory may be missing. Changes nothing. Throws errors of its disk. */
export function readMetaProperties(host: Host, directory: string): MetaProperties {
  const file = host.files.join(directory, FILE_NAME)
  const bytes = host.files.readWhole(file)
  const { settings, fault } = parsed(bytes?.toString('latin1') ?? '')
  const directoryId = settings.get('directory.id') || undefined
  const node = settings.get('node.id') ?? settings.get('broker.id')
  return {
    directory,
    file,
    exists: bytes !== undefined,
    partitions: bytes === undefined ? partitionsIn(host, directory) : [],
    clusterId: settings.get('cluster.id') || undefined,
    nodeId: node === undefined ? undefined : Number(node || 'none'),
    directoryId: directoryId && (parseUuidText(directoryId) ?? directoryId),
    version: settings.get('version'),
    fault,
  }
}

/** fault: no properties file looks like that. */
function parsed(text: string): { readonly settings: ReadonlyMap<string, string>; readonly fault: string | undefined } {
  try {
    return { settings: parseProperties(text), fault: undefined }
  } catch (error) {
    return { settings: new Map(), fault: (error as Error).message }
  }
}

/** Directories named like partitions, including that of the metadata log. */
function partitionsIn({ files }: Host, directory: string): string[] {
  if (!files.exists(directory)) return []
  return files
    .list(directory)
    .filter((name) => parsePartitionDirectory(name) && files.stat(files.join(directory, name))?.isDirectory)
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
