/*
 * What a start says of settings that change nothing: a line where their user would miss them, and an end with one line
 * where somebody would be less protected than the settings say.
 */
import { type ConfigEntry, defaultOf } from './config-entry.ts'
import { InvalidSetting } from './config-value.ts'
import { brokerEntry, type StaticConfig } from './static-config.ts'
import { authorizerSettings, type WithoutEffect } from './without-effect.ts'

/** Names that one line lists before it counts the rest. */
const NAMES_IN_A_LINE = 5

interface Given {
  readonly name: string
  /** As the line shows it; undefined: it is a secret. */
  readonly text: string | undefined
  readonly value: unknown
  readonly withoutEffect: WithoutEffect
}

/** Why a broker must not start with these settings: all that protect for the same reason, in one line. */
export function unkeptProtection(settings: StaticConfig): InvalidSetting | undefined {
  const broken = givenWithoutEffect(settings).filter(({ value, withoutEffect }) => protects(value, withoutEffect))
  const [first] = broken
  if (first === undefined) return undefined
  const { because, protection } = first.withoutEffect
  const alike = broken.filter(
    ({ withoutEffect }) => withoutEffect.because === because && withoutEffect.protection?.lost === protection?.lost,
  )
  const shown = alike.map(({ name, text }) => (text === undefined ? name : `${name}=${text}`))
  const [these, it] = alike.length === 1 ? ['this setting', 'it'] : ['these settings', 'them']
  return new InvalidSetting(
    `${listed(shown)}: ${because}, so ${protection?.lost}; remove ${these} to start without ${it}`,
  )
}

/** One line for each reason, with the settings that it goes for. */
export function warningsAboutEffect(settings: StaticConfig): string[] {
  const byReason = new Map<string, string[]>()
  for (const { name, withoutEffect } of givenWithoutEffect(settings)) {
    if (!withoutEffect.warns) continue
    byReason.set(withoutEffect.because, [...(byReason.get(withoutEffect.because) ?? []), name])
  }
  return [...byReason].map(
    ([because, names]) => `${listed(names)} ${names.length === 1 ? 'has' : 'have'} no effect: ${because}`,
  )
}

function protects(value: unknown, { protection }: WithoutEffect): boolean {
  return protection !== undefined && (protection.by === undefined || protection.by(value))
}

/** Settings without effect that are set to something else than their default. */
function givenWithoutEffect({ originals, values }: StaticConfig): Given[] {
  const given: Given[] = []
  for (const [name, original] of originals) {
    const authorizer = authorizerSettings[name]
    if (authorizer !== undefined && original.trim() !== '')
      given.push({ name, text: original.trim(), value: original.trim(), withoutEffect: authorizer })
    const entry = brokerEntry(name)
    const parsed = values.get(name)
    if (entry?.withoutEffect === undefined || parsed === undefined || parsed.text === defaultOf(entry).text) continue
    if (parsed.text === '' && entry.defaultText === null) continue
    given.push({ name, text: shown(entry, parsed.text), value: parsed.value, withoutEffect: entry.withoutEffect })
  }
  return given
}

function shown(entry: ConfigEntry, text: string | null): string | undefined {
  return entry.type === 'password' ? undefined : (text ?? '')
}

/** `a`, `a and b`, `a, b and c`; a long list is counted at its end. */
export function listed(names: readonly string[]): string {
  if (names.length > NAMES_IN_A_LINE)
    return `${names.slice(0, NAMES_IN_A_LINE - 1).join(', ')} and ${names.length - NAMES_IN_A_LINE + 1} more`
  if (names.length < 2) return names.join('')
  return `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`
}
