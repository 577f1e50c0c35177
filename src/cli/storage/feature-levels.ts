/*
 * Feature levels that a directory can be formatted with, and what `kafka-storage` of Kafka 4.4 says about them. Source:
 * MetadataVersion, Feature, and the tool's answers, with which compat-tests/metadata/storage-commands.test.ts compares.
 */
import { newClusterFeatures } from '../../metadata/record-versions.ts'
import { CommandFailure } from './command-failure.ts'

export const METADATA_VERSION = 'metadata.version'
export const KRAFT_VERSION = 'kraft.version'
export const NEWEST_METADATA_VERSION = newClusterFeatures.get(METADATA_VERSION)!

const OLDEST_LEVEL = 7
/** Names of the levels of metadata.version, from OLDEST_LEVEL on. The last one is known to Kafka 4.4 and not stable. */
const metadataVersionNames = [
  ...['3.3-IV3', '3.4-IV0', '3.5-IV0', '3.5-IV1', '3.5-IV2', '3.6-IV0', '3.6-IV1', '3.6-IV2', '3.7-IV0', '3.7-IV1'],
  ...['3.7-IV2', '3.7-IV3', '3.7-IV4', '3.8-IV0', '3.9-IV0', '4.0-IV0', '4.0-IV1', '4.0-IV2', '4.0-IV3', '4.1-IV0'],
  ...['4.1-IV1', '4.2-IV0', '4.2-IV1', '4.3-IV0', '4.4-IV0', '4.4-IV1', '4.4-IV2', '4.5-IV0'],
]

/** Features besides metadata.version. */
export interface Feature {
  readonly name: string
  /** The metadata.version from which on level 1 is the default, then that of level 2... */
  readonly defaultSince: readonly number[]
  /** The least metadata.version for level 1; undefined: any. */
  readonly needs?: number
}

/** In the order in which the tool lists them. */
export const features: readonly Feature[] = [
  { name: KRAFT_VERSION, defaultSince: [21] },
  { name: 'transaction.version', defaultSince: [24, 24] },
  { name: 'group.version', defaultSince: [22] },
  { name: 'eligible.leader.replicas.version', defaultSince: [26], needs: 23 },
  { name: 'share.version', defaultSince: [28, 31] },
  { name: 'streams.version', defaultSince: [29] },
]

export function defaultLevel({ defaultSince }: Feature, metadataVersion: number): number {
  return defaultSince.filter((since) => since <= metadataVersion).length
}

/** True if the feature has that level. */
export function hasLevel({ defaultSince }: Feature, level: number): boolean {
  return level >= 0 && level <= defaultSince.length
}

/** Like 4.4-IV2; undefined for an unknown level. */
export function metadataVersionName(level: number): string | undefined {
  return metadataVersionNames[level - OLDEST_LEVEL]
}

/** The level of a metadata.version that can be in use. Throws CommandFailure. */
export function stableMetadataVersion(level: number): number {
  const name = metadataVersionName(level)
  if (name === undefined) {
    const range = `${OLDEST_LEVEL} to ${OLDEST_LEVEL + metadataVersionNames.length - 1}`
    throw new CommandFailure(`No MetadataVersion with feature level ${level}. Valid feature levels are from ${range}.`)
  }
  if (level > NEWEST_METADATA_VERSION) throw new CommandFailure(`${METADATA_VERSION} ${name} is not yet stable.`)
  return level
}

/**
 * The metadata.version of a release (4.3, 4.3.1) or a name (4.3-IV0). known: which names there are. Throws CommandFailure.
 */
export function releaseLevel(text: string, known: 'stable' | 'all'): number {
  const wanted = text.split('.').slice(0, 2).join('.')
  const stable = metadataVersionNames.slice(0, NEWEST_METADATA_VERSION - OLDEST_LEVEL + 1)
  const names = known === 'all' ? metadataVersionNames : stable
  const exact = names.indexOf(wanted)
  if (exact >= 0) return OLDEST_LEVEL + exact
  const last = stable.findLastIndex((name) => name.startsWith(`${wanted}-`))
  if (last >= 0) return OLDEST_LEVEL + last
  throw new CommandFailure(`Unknown metadata.version '${text}'. Supported metadata.version are: ${names.join(', ')}`)
}

/** A number that fits 16 bits, as Java parses it; undefined for other text. */
export function parseShort(text: string): number | undefined {
  const value = /^[+-]?\d+$/.test(text) ? Number(text) : Number.NaN
  return value >= -32_768 && value <= 32_767 ? value : undefined
}
