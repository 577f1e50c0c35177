/*
 * What a start says of settings that change nothing: a line where their user would miss them, and an end with one line
 * where somebody would be less protected than the settings say.
 */
import { type ConfigEntry, defaultOf } from './config-entry.ts'
import { InvalidSetting } from './config-value.ts'
import { listed } from './listed.ts'
import { brokerEntry, type StaticConfig } from './static-config.ts'
import { authorizerSettings, type WithoutEffect } from './without-effect.ts'

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

/** A value that one of config.providers is to give: it would be taken as it is written. Source: ConfigTransformer. */
export function unresolvedValue({ originals, values }: StaticConfig): InvalidSetting | undefined {
  const providers = (values.get('config.providers')?.value ?? []) as readonly string[]
  for (const [name, text] of originals) {
    const provider = /\$\{([^:}]+):[^}]*\}/.exec(text)?.[1]
    if (provider !== undefined && providers.includes(provider))
      return new InvalidSetting(
        `${name} refers to the config provider ${provider}: Ottla has no config providers yet; write the value itself`,
      )
  }
  return undefined
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
