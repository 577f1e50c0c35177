import type { ConfigEntry } from './config-entry.ts'
import { alternativesOf } from './fallbacks.ts'

/**
 * Documentation of a setting for the settings page and DescribeConfigs: its doc, the settings that override it, and why
 * it has no effect.
 */
export function documentationOf(entry: ConfigEntry): string {
  const alternatives = alternativesOf(entry.name)
  const before = alternatives.slice(0, alternatives.indexOf(entry.name)).map((name) => `\`${name}\``)
  return [
    entry.doc,
    ...(before.length === 0 ? [] : [`${before.join(' and ')} ${before.length === 1 ? 'comes' : 'come'} first.`]),
    ...effectOf(entry),
  ].join(' ')
}

function effectOf({ withoutEffect }: ConfigEntry): string[] {
  if (withoutEffect === undefined) return []
  const { because, protection } = withoutEffect
  const without = `Without effect: ${because}.`
  if (protection === undefined) return [without]
  return [without, `A value that protects ends the start, since ${protection.lost}.`]
}
