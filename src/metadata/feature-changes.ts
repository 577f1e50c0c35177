import type { MetadataStore } from './metadata-store.ts'
import { supportedFeatures } from './record-versions.ts'

export const KRAFT_VERSION = 'kraft.version'

/** Kafka's FeatureUpdate.UpgradeType ids. */
const [UPGRADE, SAFE_DOWNGRADE, UNSAFE_DOWNGRADE] = [1, 2, 3] as const

export interface FeatureChange {
  readonly feature: string
  readonly level: number
  readonly upgradeType: number
}

/** Levels of the cluster's features as clients see them. Source: KRaftMetadataCache.features. */
export function finalizedFeatures({
  image,
  kraftVersion,
}: Pick<MetadataStore, 'image' | 'kraftVersion'>): ReadonlyMap<string, number> {
  return kraftVersion === 0 ? image.features : new Map([...image.features, [KRAFT_VERSION, kraftVersion]])
}

/** What a change is judged by. */
export interface FeatureState {
  /** Finalized features. */
  readonly levels: ReadonlyMap<string, number>
  readonly controllerId: number
  /** False: its controller has no listener, so the log cannot name the voter. */
  readonly hasVoter: boolean
}

/**
 * Why a level is refused, in Kafka's words; undefined if it is allowed. Source: FeatureControlManager.updateFeature.
 */
export function featureFault(
  change: FeatureChange,
  { levels, controllerId, hasVoter }: FeatureState,
): string | undefined {
  const { feature, level } = change
  const invalid = (because: string) => `Invalid update version ${level} for feature ${feature}. ${because}`
  if (![UPGRADE, SAFE_DOWNGRADE, UNSAFE_DOWNGRADE].some((known) => known === change.upgradeType))
    return invalid('The controller does not support the given upgrade type.')
  if (level < 0) return invalid('A feature version cannot be less than 0.')
  const supported = supportedFeatures.find(({ name }) => name === feature)
  const controller = `Local controller ${controllerId}`
  // Kafka's controller supports level 0, the absence, of every feature.
  if (supported === undefined && level === 0) return invalid(`Feature ${feature} not found.`)
  if (supported === undefined) return invalid(`${controller} does not support this feature.`)
  const { minSupportedVersion: min, maxSupportedVersion: max } = supported
  if (level < min || level > max) return invalid(`${controller} only supports versions ${min}-${max}`)
  const currentLevel = levels.get(feature) ?? 0
  const reason = directionFault(change, currentLevel) ?? quorumFault(change, currentLevel, hasVoter)
  return reason === undefined ? metadataDowngradeFault(change, currentLevel) : invalid(reason)
}

function directionFault({ level, upgradeType }: FeatureChange, current: number): string | undefined {
  if (level < current && upgradeType === UPGRADE)
    return "Can't downgrade the version of this feature without setting the upgrade type to either safe or unsafe downgrade."
  if (level > current && upgradeType !== UPGRADE) return "Can't downgrade to a newer version."
  return undefined
}

function quorumFault({ feature, level }: FeatureChange, current: number, hasVoter: boolean): string | undefined {
  if (feature !== KRAFT_VERSION || level === current) return undefined
  if (level < current) return "Can't downgrade the version of this feature."
  return hasVoter ? undefined : 'The log cannot name a controller without a listener: set controller.listener.names.'
}

function metadataDowngradeFault({ feature, level, upgradeType }: FeatureChange, current: number): string | undefined {
  if (feature !== 'metadata.version' || level >= current) return undefined
  const reason =
    upgradeType === UNSAFE_DOWNGRADE
      ? 'Unsafe metadata downgrade is not supported in this version.'
      : 'Refusing to perform the requested downgrade because it might delete metadata information.'
  return `Unsupported metadata.version downgrade from ${current} to ${level}. ${reason}`
}
