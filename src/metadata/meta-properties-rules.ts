import { parseUuidText } from '../../protocol/uuid-text.ts'

/** Why this broker cannot use the directories: one line that says what to do. */
export class IdentityConflict {
  readonly message: string
  constructor(message: string) {
    this.message = message
  }
}

/** Content of a directory's meta.properties; all undefined if the file is missing. */
export interface MetaProperties {
  readonly directory: string
  readonly file: string
  readonly exists: boolean
  /** If the file is missing: partition directories in the same directory. */
  readonly partitions: readonly string[]
  readonly clusterId: string | undefined
  readonly nodeId: number | undefined
  readonly directoryId: string | undefined
  readonly version: string | undefined
  /** Why the file could not be parsed. */
  readonly fault?: string | undefined
}

/** Names listed before "and N more". */
const NAMES_SHOWN = 3
const UUID_BYTES = 16
/** Uuids below this number are Kafka's own: unassigned, lost, migrating. */
const RESERVED_IDS = 100

/** The first fault of a file, or between files; undefined if they agree. Source: MetaPropertiesEnsemble.verify. */
export function metaPropertiesConflict(
  files: readonly MetaProperties[],
  wanted: { readonly clusterId: string | undefined; readonly nodeId: number | undefined },
): IdentityConflict | undefined {
  for (const each of files) {
    const fault = each.exists ? contentFault(each) : missingFileFault(each, files)
    if (fault !== undefined) return new IdentityConflict(fault)
  }
  const fault =
    disagreement(files, 'cluster.id', (each) => each.clusterId, wanted.clusterId) ??
    disagreement(files, 'node.id', (each) => each.nodeId, wanted.nodeId) ??
    sharedDirectoryId(files)
  return fault === undefined ? undefined : new IdentityConflict(fault)
}

/** Like `a-0, a-1, b-0 and 7 more`. */
export function namesOf(names: readonly string[]): string {
  const shown = names.slice(0, NAMES_SHOWN).join(', ')
  return names.length > NAMES_SHOWN ? `${shown} and ${names.length - NAMES_SHOWN} more` : shown
}

function contentFault({ file, version, clusterId, nodeId, directoryId, fault }: MetaProperties): string | undefined {
  if (fault !== undefined) return `${file} is damaged (${fault}): restore the file`
  const restore = `restore the file, or write the missing line into it`
  if (version !== undefined && version !== '0' && version !== '1')
    return `${file} has version=${version}, but only 0 and 1 are supported: restore the file`
  if (nodeId === undefined)
    return `${file} has no node.id, so it is unknown which broker this data belongs to: ${restore}`
  if (!Number.isSafeInteger(nodeId) || nodeId < 0) return `${file} has an invalid node.id: ${restore}`
  if (version === '1' && clusterId === undefined)
    return `${file} has no cluster.id, so it is unknown which cluster this data belongs to: ${restore}`
  if (directoryId !== undefined && !isDirectoryId(directoryId))
    return `${file} has an invalid directory.id=${directoryId.replaceAll(/[^ -~]/g, '?')}: restore the file, or remove that line`
  return undefined
}

function missingFileFault(
  { file, directory, partitions }: MetaProperties,
  files: readonly MetaProperties[],
): string | undefined {
  if (partitions.length === 0) return undefined
  const known = files.find((each) => each.exists)
  const clusterId = known?.clusterId ?? '<id of the cluster>'
  const nodeId = known?.nodeId ?? '<id of this broker>'
  return (
    `${directory} holds partitions (${namesOf(partitions)}) but no meta.properties, so it is unknown which cluster they belong to: ` +
    `restore ${file}, or create it with the lines version=1, cluster.id=${clusterId} and node.id=${nodeId}`
  )
}

function isDirectoryId(id: string): boolean {
  if (parseUuidText(id) === undefined) return false
  const bytes = Buffer.from(id, 'base64url')
  return bytes.subarray(0, UUID_BYTES - 1).some((byte) => byte !== 0) || bytes[UUID_BYTES - 1]! >= RESERVED_IDS
}

function disagreement<T extends string | number>(
  files: readonly MetaProperties[],
  name: string,
  valueIn: (each: MetaProperties) => T | undefined,
  wanted: T | undefined,
): string | undefined {
  const first = files.find((each) => valueIn(each) !== undefined)
  if (first === undefined) return undefined
  const value = valueIn(first) as T
  const other = files.find((each) => valueIn(each) !== undefined && valueIn(each) !== value)
  if (other !== undefined)
    return (
      `${first.file} has ${name}=${value}, but ${other.file} has ${name}=${valueIn(other)}: ` +
      `the directories belong to different brokers or clusters; correct log.dirs`
    )
  if (wanted !== undefined && wanted !== value)
    return (
      `${first.file} has ${name}=${value}, but the settings have ${name}=${wanted}: ` +
      `remove ${name} from the settings to use this data, or set log.dirs to another directory`
    )
  return undefined
}

function sharedDirectoryId(files: readonly MetaProperties[]): string | undefined {
  const owners = new Map<string, MetaProperties>()
  for (const each of files) {
    if (each.directoryId === undefined) continue
    const owner = owners.get(each.directoryId)
    if (owner !== undefined)
      return (
        `${owner.directory} and ${each.directory} both have directory.id=${each.directoryId} in meta.properties: if one is a ` +
        `copy, remove it from log.dirs, else remove that line from its meta.properties`
      )
    owners.set(each.directoryId, each)
  }
  return undefined
}
