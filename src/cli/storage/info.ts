import type { Host } from '../../../storage/host/host.ts'
import type { StartSettings } from '../../config/start-settings.ts'
import { readMetaProperties } from '../../metadata/meta-properties.ts'
import type { MetaProperties } from '../../metadata/meta-properties-rules.ts'
import { directoriesOf } from './format.ts'

/** Lines of `ottla info`, and its exit code: 1 if there are problems. Changes nothing. Source: StorageTool.infoCommand. */
export function info(host: Host, settings: StartSettings): { readonly lines: string[]; readonly exitCode: number } {
  const problems: string[] = []
  const found: string[] = []
  let first: MetaProperties | undefined
  for (const directory of directoriesOf(settings)) {
    const state = stateOf(host, directory)
    if (state !== 'missing' && state !== 'file') found.push(directory)
    if (typeof state === 'string') problems.push(problemTexts[state](directory))
    else if (state instanceof Error)
      problems.push(`Error loading ${host.files.join(directory, 'meta.properties')}: ${state.message}`)
    else {
      first ??= state
      if (state.clusterId !== first.clusterId) problems.push('Mismatched cluster IDs between storage directories.')
      else if (state.nodeId !== first.nodeId) problems.push('Mismatched node IDs between storage directories.')
    }
  }
  // A file without process.roles is of the ZooKeeper era, and so may the directories be.
  if (first !== undefined && isOfZooKeeper(first) && settings.brokers[0].static.values.has('process.roles'))
    problems.push(
      'The kafka configuration file appears to be for a cluster in KRaft mode, but the directories are formatted for legacy mode.',
    )
  return {
    lines: [
      ...listOf(found, 'Found log directory:', 'Found log directories:'),
      ...(first === undefined ? [] : [`Found metadata: {${contentOf(first).join(', ')}}`, '']),
      ...listOf(problems, 'Found problem:', 'Found problems:'),
    ],
    exitCode: problems.length > 0 ? 1 : 0,
  }
}

const problemTexts = {
  missing: (directory: string) => `${directory} does not exist`,
  file: (directory: string) => `${directory} is not a directory`,
  unformatted: (directory: string) => `${directory} is not formatted.`,
}

/** The directory's meta.properties, or what is wrong with it. */
function stateOf(host: Host, directory: string): MetaProperties | keyof typeof problemTexts | Error {
  const stat = host.files.stat(directory)
  if (stat === undefined) return 'missing'
  if (!stat.isDirectory) return 'file'
  try {
    const properties = readMetaProperties(host, directory)
    if (!properties.exists) return 'unformatted'
    const fault = faultIn(properties)
    return fault === undefined ? properties : new Error(fault)
  } catch (error) {
    return error as Error
  }
}

/** Source: MetaProperties.Builder. */
function faultIn(properties: MetaProperties): string | undefined {
  const { fault, version = '0', clusterId, nodeId } = properties
  if (fault !== undefined) return fault
  if (version !== '0' && version !== '1') return `Unknown meta.properties version number ${version}`
  if (nodeId === undefined) return isOfZooKeeper(properties) ? undefined : 'Failed to find node.id'
  if (!Number.isSafeInteger(nodeId))
    return `Unable to read ${isOfZooKeeper(properties) ? 'broker.id' : 'node.id'} as a base-10 number.`
  return clusterId === undefined && version === '1' ? 'cluster.id was not found.' : undefined
}

function isOfZooKeeper({ version = '0' }: MetaProperties): boolean {
  return version === '0'
}

/** In the order of their names. */
function contentOf(properties: MetaProperties): string[] {
  const { clusterId, directoryId, nodeId, version = '0' } = properties
  const [id, before] = isOfZooKeeper(properties) ? ['broker.id', true] : ['node.id', false]
  const node = nodeId === undefined ? [] : [`${id}=${nodeId}`]
  return [
    ...(before ? node : []),
    ...(clusterId === undefined ? [] : [`cluster.id=${clusterId}`]),
    ...(directoryId === undefined ? [] : [`directory.id=${directoryId}`]),
    ...(before ? [] : node),
    `version=${version}`,
  ]
}

function listOf(texts: readonly string[], one: string, many: string): string[] {
  return texts.length === 0 ? [] : [texts.length === 1 ? one : many, ...texts.map((each) => `  ${each}`), '']
}
