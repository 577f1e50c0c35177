import type { ConfigEntry } from './config-entry.ts'
import { alternativesOf } from './fallbacks.ts'

/** What the settings page and DescribeConfigs say of a setting: its doc, what counts before it, and why it does nothing. */
export function documentationOf(entry: ConfigEntry): string {
  const alternatives = alternativesOf(entry.name)
  const before = alternatives.slice(0, alternatives.indexOf(entry.name)).map((name) => `\`${name}\``)
  return [
    entry.doc,
    ...(before.length === 0 ? [] : [`${before.join(' and ')} ${before.length === 1 ? 'comes' : 'come'} first.`]),
    ...(entry.withoutEffect === undefined ? [] : [`Without effect: ${entry.withoutEffect.because}.`]),
  ].join(' ')
}
