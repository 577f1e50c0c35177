import type { Host } from '../../../storage/host/host.ts'
import type { StartSettings } from '../../config/start-settings.ts'
import { featureRecords, scramRecord } from '../../metadata/image-records.ts'
import { readMetaProperties, writeIdentity } from '../../metadata/meta-properties.ts'
import { type MetaProperties, metaPropertiesConflict } from '../../metadata/meta-properties-rules.ts'
import { METADATA_LOG } from '../../metadata/metadata-log.ts'
import { snapshotBatches, snapshotFileName } from '../../metadata/metadata-snapshot.ts'
import { quorumRecords } from '../../metadata/quorum-records.ts'
import { CommandFailure } from './command-failure.ts'
import { type FormatPlan, metadataVersionText } from './format-plan.ts'

/** Snapshot before the first record of the log: both Ottla and Kafka start from it. Source: Snapshots. */
const bootstrapId = { endOffset: 0, epoch: 0 }

/**
 * Writes the metadata snapshot and meta.properties to every directory that has none. Returns the lines for the user.
 * Throws CommandFailure before anything is written. Source: Formatter.doFormat.
 */
export function format(
  host: Host,
  settings: StartSettings,
  plan: FormatPlan,
  { ignoreFormatted }: { readonly ignoreFormatted: boolean },
): string[] {
  const { metadataDirectory } = settings
  const lines: string[] = []
  const directories = readAll(host, settings, (directory) =>
    lines.push(`I/O error trying to read log directory ${directory}. Ignoring...`),
  ).map((each) => withoutOwnRest(host, each))
  refuseOthers(directories, plan)
  const formatted = directories.find(({ exists }) => exists)
  if (formatted !== undefined && !ignoreFormatted)
    throw new CommandFailure(
      `Log directory ${formatted.directory} is already formatted. Use --ignore-formatted to ignore this directory and format the others.`,
    )
  if (directories.length === 0)
    throw new CommandFailure([...lines, 'No available log directories to format.'].join('\n'))
  const empty = directories.filter(({ exists }) => !exists)
  if (empty.length === 0) return [...lines, 'All of the log directories are already formatted.']
  lines.push(bootstrapLine(plan))
  for (const each of empty) {
    const isMetadata = each.directory === metadataDirectory
    const kind = !isMetadata ? 'data' : plan.voter === undefined ? 'metadata' : 'dynamic metadata voter'
    lines.push(`Formatting ${kind} directory ${each.directory} with ${metadataVersionText(plan.features)}.`)
    write(host, each, plan, isMetadata)
  }
  return lines
}

/** log.dirs and the metadata directory, in order, each once. */
export function directoriesOf({ logDirectories, metadataDirectory }: StartSettings): string[] {
  return [...new Set([...logDirectories, metadataDirectory])].sort()
}

function readAll(host: Host, settings: StartSettings, onFailure: (directory: string) => void): MetaProperties[] {
  return directoriesOf(settings).flatMap((directory) => {
    try {
      return [readMetaProperties(host, directory)]
    } catch {
      // The line names the directory, and its disk is left alone, as Kafka's tool does.
      onFailure(directory)
      return []
    }
  })
}

/** A snapshot without meta.properties is what an interrupted format leaves: it is written again. */
function withoutOwnRest({ files }: Host, found: MetaProperties): MetaProperties {
  const isOwnRest = (name: string) =>
    name === METADATA_LOG &&
    files.list(files.join(found.directory, name)).every((each) => each.startsWith(snapshotFileName(bootstrapId)))
  return { ...found, partitions: found.partitions.filter((each) => !isOwnRest(each)) }
}

function refuseOthers(directories: readonly MetaProperties[], { clusterId, nodeId }: FormatPlan): void {
  const other = directories.find((each) => each.clusterId !== undefined && each.clusterId !== clusterId)
  if (other !== undefined)
    throw new CommandFailure(
      `Invalid cluster.id in: ${other.file}. Expected ${clusterId}, but read ${other.clusterId}: ` +
        'use that --cluster-id, or another directory',
    )
  const conflict = metaPropertiesConflict(directories, { clusterId, nodeId })
  if (conflict !== undefined) throw new CommandFailure(conflict.message)
}

/** meta.properties comes last: without it, the directory is not formatted. */
function write(host: Host, file: MetaProperties, plan: FormatPlan, isMetadata: boolean): void {
  const { clusterId, nodeId, voter } = plan
  const { directory } = file
  const fail = (_: string, error: Error): never => {
    throw new CommandFailure(`Error while writing meta.properties file ${directory}: ${error.message}`)
  }
  try {
    host.files.makeDirectory(directory)
    if (isMetadata) writeSnapshot(host, directory, plan)
  } catch (error) {
    fail(directory, error as Error)
  }
  const directoryId = isMetadata && voter !== undefined ? voter.directoryId : host.random.uuid()
  const identity = { clusterId, nodeId, directoryIds: [directoryId], unformatted: [directory], files: [file] }
  writeIdentity(host, identity, fail)
}

function writeSnapshot({ files, clock }: Host, directory: string, plan: FormatPlan): void {
  const log = files.join(directory, METADATA_LOG)
  files.makeDirectory(log)
  files.syncDirectory(directory)
  const nowMs = clock.nowMs()
  const values = [
    ...featureRecords(plan.features),
    ...plan.users.map(({ name, mechanism, credential }) => scramRecord(name, mechanism, credential)),
  ]
  const at = {
    id: bootstrapId,
    nowMs,
    lastTimestampMs: nowMs,
    quorum: plan.voter === undefined ? [] : quorumRecords(plan.voter),
  }
  files.replaceWhole(files.join(log, snapshotFileName(bootstrapId)), Buffer.concat([...snapshotBatches(values, at)]))
}

/** As Kafka's tool prints it, but for the keys of users: who reads them can pose as the broker. */
function bootstrapLine({ features, users }: FormatPlan): string {
  const records = [
    ...[...features].map(([name, level]) => `FeatureLevelRecord(name='${name}', featureLevel=${level})`),
    ...users.map(
      ({ name, mechanism, credential }) =>
        `UserScramCredentialRecord(name='${name}', mechanism=${mechanism}, salt=[hidden], storedKey=[hidden], ` +
        `serverKey=[hidden], iterations=${credential.iterations})`,
    ),
  ].map((each) => `ApiMessageAndVersion(${each} at version 0)`)
  const level = features.get('metadata.version')
  return `Bootstrap metadata: BootstrapMetadata(records=[${records.join(', ')}], metadataVersionLevel=${level}, source=format command)`
}
