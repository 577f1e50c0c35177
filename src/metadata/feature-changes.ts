import type { MetadataImage } from './metadata-image.ts'
import { supportedFeatures } from './record-versions.ts'

/** How a level may change: Kafka's FeatureUpdate.UpgradeType ids. */
const [UPGRADE, SAFE_DOWNGRADE, UNSAFE_DOWNGRADE] = [1, 2, 3] as const

export interface FeatureChange {
  readonly feature: string
  readonly level: number
  readonly upgradeType: number
}

/** Why a level is refused, in Kafka's words; undefined: it is fine. Source: FeatureControlManager.updateFeature. */
export function featureFault(change: FeatureChange, image: MetadataImage): string | undefined {
  const { feature, level } = change
  const invalid = (because: string) => `Invalid update version ${level} for feature ${feature}. ${because}`
  if (![UPGRADE, SAFE_DOWNGRADE, UNSAFE_DOWNGRADE].some((known) => known === change.upgradeType))
    return invalid('The controller does not support the given upgrade type.')
  if (level < 0) return invalid('A feature version cannot be less than 0.')
  const supported = supportedFeatures.find(({ name }) => name === feature)
  const controller = `Local controller ${image.controllerId}`
  if (supported === undefined) return invalid(`${controller} does not support this feature.`)
  const { minSupportedVersion: min, maxSupportedVersion: max } = supported
  if (level < min || level > max) return invalid(`${controller} only supports versions ${min}-${max}`)
  const current = image.features.get(feature) ?? 0
  if (level >= current) return undefined
  if (change.upgradeType === UPGRADE)
    return invalid(
      "Can't downgrade the version of this feature without setting the upgrade type to either safe or unsafe downgrade.",
    )
  return feature === 'metadata.version' ? refusedDowngrade(change, current) : undefined
}

function refusedDowngrade({ level, upgradeType }: FeatureChange, current: number): string {
  const what = `Unsupported metadata.version downgrade from ${current} to ${level}.`
  return upgradeType === UNSAFE_DOWNGRADE
    ? 'Unsafe metadata downgrade is not supported in this version.'
    : `${what} Refusing to perform the requested downgrade because it might delete metadata information.`
}
