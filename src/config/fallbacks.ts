/*
 * Several broker settings may determine the same value: log.retention.ms, .minutes and .hours. The topic's entry
 * (retention.ms) lists them, the first choice first. All code that needs their order uses these functions.
 */
import type { Fallback } from './config-entry.ts'
import { topicConfigs } from './topic-configs.ts'

/** The fallback in force: the first whose setting has a value. Undefined if none has. */
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

/** By the name of a broker setting: see `alternativesOf`. */
const alternatives = new Map<string, readonly string[]>()
for (const { fallbacks } of Object.values(topicConfigs)) {
  if (fallbacks.length < 2) continue
  const names = fallbacks.map(({ name }) => name)
  fallbacks.forEach(({ name, factor }, at) => {
    if ((at === 0 || factor !== 1) && !alternatives.has(name)) alternatives.set(name, names)
  })
}

/**
 * All names that can set a broker setting's value, by priority; only its own name if there are no others.
 * log.flush.scheduler.interval.ms is a fallback of log.flush.interval.ms, not the other way round.
 */
export function alternativesOf(name: string): readonly string[] {
  return alternatives.get(name) ?? [name]
}
