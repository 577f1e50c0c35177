import { apiByKey } from '../../protocol/apis/index.ts'
import type { Exchange } from './transcript.ts'

/** One difference between two transcripts. */
export interface Difference {
  /** `CreateTopics v7: duplicate names / topics.0.errorMessage`. */
  readonly place: string
  readonly kafka: unknown
  readonly ottla: unknown
}

/** Differences in the responses of two brokers to the same requests. */
export function differences(kafka: readonly Exchange[], ottla: readonly Exchange[]): Difference[] {
  const found: Difference[] = []
  for (let i = 0; i < Math.max(kafka.length, ottla.length); i++) {
    const [left, right] = [kafka[i], ottla[i]]
    const label = left?.label ?? right?.label ?? ''
    if (left?.label !== right?.label) found.push({ place: label, kafka: left?.label, ottla: right?.label })
    else walk(`${label} / `, left?.answer, right?.answer, found)
  }
  return found
}

function walk(place: string, kafka: unknown, ottla: unknown, found: Difference[]): void {
  if (isObject(kafka) && isObject(ottla)) {
    const [left, right] = [keyed(kafka), keyed(ottla)]
    for (const key of new Set([...left.keys(), ...right.keys()]))
      walk(`${place}${place.endsWith(' / ') ? '' : '.'}${key}`, left.get(key), right.get(key), found)
  } else if (JSON.stringify(kafka) !== JSON.stringify(ottla)) found.push({ place, kafka, ottla })
}

// Matches elements of a list by name, if each has a unique one.
function keyed(value: Record<string, unknown>): Map<string, unknown> {
  const entries = Object.entries(value)
  if (!Array.isArray(value)) return new Map(entries)
  const byName = new Map(entries.map(([index, element]) => [nameOf(element) ?? index, element]))
  const isUnique = byName.size === entries.length
  return isUnique ? new Map([...byName].map(([name, element]) => [`[${name}]`, element])) : new Map(entries)
}

function nameOf(element: unknown): string | undefined {
  if (!isObject(element)) return undefined
  const { name, topic, groupId, resourceName, apiKey } = element
  if (typeof apiKey === 'number') return apiByKey.get(apiKey)?.name ?? String(apiKey)
  const found = name ?? topic ?? groupId ?? resourceName
  return typeof found === 'string' ? found : undefined
}

function isObject(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object'
}
