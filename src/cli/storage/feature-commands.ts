import { CommandFailure } from './command-failure.ts'
import {
  defaultLevel,
  features,
  hasLevel,
  METADATA_VERSION,
  metadataVersionName,
  NEWEST_METADATA_VERSION,
  parseShort,
  releaseLevel,
} from './feature-levels.ts'

/** Lines of `ottla version-mapping`. Throws CommandFailure. Source: StorageTool.runVersionMappingCommand. */
export function versionMapping(release: string = metadataVersionName(NEWEST_METADATA_VERSION)!): string[] {
  const level = releaseLevel(release, 'all')
  return [
    `${METADATA_VERSION}=${level} (${release})`,
    ...features.map((feature) => `${feature.name}=${defaultLevel(feature, level)}`),
  ]
}

/** Lines of `ottla feature-dependencies` for one feature=level. Throws CommandFailure. Source: StorageTool. */
export function featureDependencies(text: string): string[] {
  const at = text.indexOf('=')
  if (at < 0)
    throw new CommandFailure(
      `Invalid feature format: ${text}. Expected format: 'feature=version' (e.g. 'group.version=1')`,
    )
  const [name, version] = [text.slice(0, at), text.slice(at + 1)]
  const level = parseShort(version)
  if (level === undefined) throw new CommandFailure(`Invalid version format: ${version} for feature ${name}`)
  if (name === METADATA_VERSION) {
    const release = metadataVersionName(level)
    if (release === undefined) throw new CommandFailure(`Unknown metadata.version ${level}`)
    return [`${name}=${level} (${release}) has no dependencies.`]
  }
  const feature = features.find((each) => each.name === name)
  if (feature === undefined) throw new CommandFailure(`Unknown feature: ${name}`)
  if (!hasLevel(feature, level)) throw new CommandFailure(`Feature level ${level} is not supported for feature ${name}`)
  const { needs } = feature
  if (level === 0 || needs === undefined) return [`${name}=${level} has no dependencies.`]
  return [`${name}=${level} requires:`, `    ${METADATA_VERSION}=${needs} (${metadataVersionName(needs)})`]
}
