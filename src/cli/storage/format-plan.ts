import type { Random } from '../../../storage/host/host.ts'
import type { StartSettings } from '../../config/start-settings.ts'
import { type QuorumVoter, voterEndpoint } from '../../metadata/quorum-records.ts'
import { scramSupported } from '../../metadata/record-versions.ts'
import { CommandFailure } from './command-failure.ts'
import {
  defaultLevel,
  features,
  hasLevel,
  KRAFT_VERSION,
  METADATA_VERSION,
  metadataVersionName,
  NEWEST_METADATA_VERSION,
  parseShort,
  releaseLevel,
  stableMetadataVersion,
} from './feature-levels.ts'
import { type ScramUser, scramUserOf } from './scram-argument.ts'
import { votersOf } from './voters.ts'

/** Options of `ottla format`. */
export interface FormatOptions {
  readonly clusterId: string
  readonly ignoreFormatted: boolean
  readonly releaseVersion: string | undefined
  /** feature=level */
  readonly feature: readonly string[]
  readonly addScram: readonly string[]
  readonly standalone: boolean
  readonly noInitialControllers: boolean
  readonly initialControllers: string | undefined
}

/** What a formatted directory begins with. */
export interface FormatPlan {
  readonly clusterId: string
  readonly nodeId: number
  /** Levels above 0, metadata.version first, the others by name; without kraft.version, which is no feature record. */
  readonly features: ReadonlyMap<string, number>
  readonly users: readonly ScramUser[]
  /** The quorum of this node alone that the metadata log names (KIP-853); undefined: controller.quorum.voters does. */
  readonly voter: QuorumVoter | undefined
}

/** Checks the options against the settings. Throws CommandFailure. Source: StorageTool.runFormatCommand, Formatter. */
export function formatPlan(options: FormatOptions, settings: StartSettings, random: Random): FormatPlan {
  const { releaseVersion, clusterId } = options
  const nodeId = settings.nodeId ?? 1
  const release = releaseVersion === undefined ? undefined : releaseLevel(releaseVersion, 'stable')
  const wanted = new Map(options.feature.map(featureLevelOf))
  const voter = voterIn(options, settings, { nodeId, random })
  if (settings.clusterId !== undefined && settings.clusterId !== clusterId)
    throw new CommandFailure(
      `the settings have cluster.id=${settings.clusterId}, but --cluster-id is ${clusterId}: use the same, or remove cluster.id from the settings`,
    )
  const levels = featureLevels(wanted, release, voter !== undefined)
  if (options.addScram.length > 0 && !scramSupported(levels))
    throw new CommandFailure('SCRAM is only supported in metadata.version 3.5-IV2 or later.')
  const users = options.addScram.map((each) => scramUserOf(each, random))
  return { clusterId, nodeId, features: levels, users, voter }
}

function featureLevelOf(text: string): [string, number] {
  const at = text.indexOf('=')
  if (at < 0) throw new CommandFailure(`Can't parse feature=level string ${text}: equals sign not found.`)
  const level = parseShort(text.slice(at + 1))
  if (level === undefined)
    throw new CommandFailure(
      `Can't parse feature=level string ${text}: unable to parse ${text.slice(at + 1)} as a short.`,
    )
  return [text.slice(0, at), level]
}

/** Source: Formatter.calculateEffectiveFeatureLevels. */
function featureLevels(
  wanted: ReadonlyMap<string, number>,
  release: number | undefined,
  isDynamic: boolean,
): Map<string, number> {
  const asked = wanted.get(METADATA_VERSION)
  if (asked !== undefined && release !== undefined)
    throw new CommandFailure('Use --release-version instead of --feature metadata.version=X to avoid ambiguity.')
  const metadataVersion = stableMetadataVersion(release ?? asked ?? NEWEST_METADATA_VERSION)
  const byName = features.toSorted((a, b) => (a.name < b.name ? -1 : 1))
  for (const name of wanted.keys())
    if (name !== METADATA_VERSION && !byName.some((each) => each.name === name))
      throw new CommandFailure(
        `Unsupported feature: ${name}. Supported features are: ${byName.map((each) => each.name).join(', ')}`,
      )
  checkKRaftVersion(wanted.get(KRAFT_VERSION), isDynamic)
  const levels = new Map([[METADATA_VERSION, metadataVersion]])
  for (const feature of byName) {
    const { name, needs = 0 } = feature
    const level = wanted.get(name) ?? defaultLevel(feature, metadataVersion)
    if (!hasLevel(feature, level)) throw new CommandFailure(`No feature:${name} with feature level ${level}`)
    if (level > 0 && metadataVersion < needs)
      throw new CommandFailure(
        `${name} could not be set to ${level} because it depends on metadata.version level ${needs}`,
      )
    if (level > 0 && name !== KRAFT_VERSION) levels.set(name, level)
  }
  return levels
}

/** Source: Formatter.effectiveKRaftFeatureLevel. */
function checkKRaftVersion(level: number | undefined, isDynamic: boolean): void {
  const flags = '--standalone, --initial-controllers, or --no-initial-controllers'
  const dynamic = `controller.quorum.voters is empty and one of the flags ${flags} is used`
  if (level === 0 && isDynamic)
    throw new CommandFailure(
      `Cannot set kraft.version to 0 if ${dynamic}. For dynamic controllers support, try removing the --feature flag for kraft.version.`,
    )
  if (level !== undefined && level !== 0 && !isDynamic)
    throw new CommandFailure(
      `Cannot set kraft.version to ${level} unless ${dynamic}. For dynamic controllers support, try using one of ${flags} and removing controller.quorum.voters.`,
    )
}

/** The voter to write; undefined if the settings name it. Refuses a quorum of other nodes. */
function voterIn(
  { standalone, initialControllers, noInitialControllers }: FormatOptions,
  settings: StartSettings,
  { nodeId, random }: { readonly nodeId: number; readonly random: Random },
): FormatPlan['voter'] {
  const isStatic = listIn(settings, 'controller.quorum.voters').length > 0
  const isDynamic = standalone || initialControllers !== undefined
  if (isStatic && isDynamic)
    throw new CommandFailure(
      'You cannot specify controller.quorum.voters and format the node with --initial-controllers or --standalone. ' +
        'If you want to use dynamic quorum, please remove controller.quorum.voters and specify controller.quorum.bootstrap.servers instead.',
    )
  if (isStatic) return undefined
  if (noInitialControllers)
    throw new CommandFailure(
      '--no-initial-controllers prepares a node that joins the controllers of others, but Ottla’s only controller is its own: use --standalone',
    )
  if (isDynamic) return withListener(settings, initialControllers, { nodeId, random })
  // Without process.roles, as in files of the ZooKeeper era, Ottla is its own controller.
  if (listIn(settings, 'process.roles').length === 0) return undefined
  throw new CommandFailure(
    'Because controller.quorum.voters is not set on this controller, you must specify one of the following: ' +
      '--standalone, --initial-controllers, or --no-initial-controllers.',
  )
}

function withListener(
  { brokers: [{ listeners }] }: StartSettings,
  initialControllers: string | undefined,
  { nodeId, random }: { readonly nodeId: number; readonly random: Random },
): FormatPlan['voter'] {
  const own = voterEndpoint(listeners)
  if (own === undefined)
    throw new CommandFailure(
      'the quorum needs a listener of the controller with a port: set controller.listener.names, and add that name to listeners',
    )
  if (initialControllers === undefined) return { nodeId, directoryId: random.uuid(), endpoint: own }
  const [voter, ...others] = votersOf(initialControllers)
  if (voter?.nodeId !== nodeId || others.length > 0)
    throw new CommandFailure(
      `--initial-controllers ${initialControllers} is not node.id=${nodeId} alone: Ottla’s only controller is its own; name only this one, or use --standalone`,
    )
  const { directoryId, host, port } = voter
  return { nodeId, directoryId, endpoint: { name: own.name, host, port } }
}

function listIn({ brokers: [broker] }: StartSettings, name: string): readonly string[] {
  return (broker.static.values.get(name)?.value ?? []) as readonly string[]
}

/** `metadata.version 4.4-IV2` of these levels. */
export function metadataVersionText(levels: ReadonlyMap<string, number>): string {
  return `${METADATA_VERSION} ${metadataVersionName(levels.get(METADATA_VERSION)!)}`
}
