import type { Exchange } from './transcript.ts'

/** One place in which two transcripts differ. */
export interface Difference {
  /** `CreateTopics v7: duplicate names / topics.0.errorMessage`. */
  readonly place: string
  readonly kafka: unknown
  readonly ottla: unknown
}

/** Differences in the answers of two brokers to the same requests. */
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
    for (const name of new Set([...Object.keys(kafka), ...Object.keys(ottla)]))
      walk(`${place}${place.endsWith(' / ') ? '' : '.'}${keyOf(name, kafka, ottla)}`, kafka[name], ottla[name], found)
  } else if (JSON.stringify(kafka) !== JSON.stringify(ottla)) found.push({ place, kafka, ottla })
}

// Elements of a list are told by their names where they have the same one.
function keyOf(index: string, kafka: Record<string, unknown>, ottla: Record<string, unknown>): string {
  const [left, right] = [nameOf(kafka[index]), nameOf(ottla[index])]
  return left !== undefined && left === right ? `[${left}]` : index
}

function nameOf(element: unknown): string | undefined {
  if (!isObject(element)) return undefined
  const { name, topic, groupId, resourceName } = element
  const found = name ?? topic ?? groupId ?? resourceName
  return typeof found === 'string' ? found : undefined
}

function isObject(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object'
}
