/*
 * Several broker settings may say one and the same thing: log.retention.ms, .minutes and .hours. The topic's entry
 * (retention.ms) lists them, the first choice first; everybody who must know their order asks here.
 */
import type { Fallback } from './config-entry.ts'
import { topicConfigs } from './topic-configs.ts'

/** The fallback that counts: the first whose setting has a value at all. Undefined where none has. */
export function fallbackInForce<V extends { readonly value: unknown }>(
  fallbacks: readonly Fallback[],
  settingOf: (name: string) => V,
): { readonly fallback: Fallback; readonly found: V } | undefined {
  for (const fallback of fallbacks) {
    const found = settingOf(fallback.name)
    if (found.value !== null) return { fallback, found }
  }
  return undefined
}

/**
 * All names under which a broker setting's value may be given, in the order in which they count; the setting itself
 * where there is but one. log.flush.scheduler.interval.ms stands in for log.flush.interval.ms, not the other way round.
 */
export function alternativesOf(name: string): readonly string[] {
  for (const { fallbacks } of Object.values(topicConfigs)) {
    const at = fallbacks.findIndex((each) => each.name === name)
    const isAlternative = at === 0 || (at > 0 && fallbacks[at]?.factor !== 1)
    if (isAlternative && fallbacks.length > 1) return fallbacks.map((each) => each.name)
  }
  return [name]
}
