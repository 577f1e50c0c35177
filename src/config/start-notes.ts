/*
 * Messages of a start about settings without effect. A setting whose effect its user would miss gets a warning. A
 * setting whose protection would be missing ends the start with one line.
 */
import { type ConfigEntry, defaultOf, parseSetting } from './config-entry.ts'
import { InvalidSetting } from './config-value.ts'
import { listed } from './listed.ts'
import { brokerEntry, type StaticConfig } from './static-config.ts'
import { authorizerSettings, type WithoutEffect } from './without-effect.ts'

type Settings = ReadonlyMap<string, string>

interface Given {
  readonly name: string
  /** As shown in the line; undefined if secret. */
  readonly text: string | undefined
  readonly value: unknown
  readonly withoutEffect: WithoutEffect
}

/** Settings with the same reason that promise a protection that Ottla does not provide. */
export interface MissingProtection {
  /** The settings, the reason, and what happens instead. */
  readonly what: string
  readonly count: number
}

/** Undefined if these settings promise no missing protection. */
export function missingProtection(settings: Settings): MissingProtection | undefined {
  const broken = givenWithoutEffect(settings).filter(({ value, withoutEffect }) => protects(value, withoutEffect))
  const [first] = broken
  if (first === undefined) return undefined
  const { because, protection } = first.withoutEffect
  const alike = broken.filter(
    ({ withoutEffect }) => withoutEffect.because === because && withoutEffect.protection?.lost === protection?.lost,
  )
  const shown = alike.map(({ name, text }) => (text === undefined ? name : `${name}=${text}`))
  return { what: `${listed(shown)}: ${because}, so ${protection?.lost}`, count: alike.length }
}

/** Why a broker must not start with its settings file. */
export function unsafeStart({ originals }: StaticConfig): InvalidSetting | undefined {
  const missing = missingProtection(originals)
  if (missing === undefined) return undefined
  const [these, it] = missing.count === 1 ? ['this setting', 'it'] : ['these settings', 'them']
  return new InvalidSetting(`${missing.what}; remove ${these} to start without ${it}`)
}

/** Warnings about dynamic settings in an existing data directory. They can be changed once the broker runs. */
export function warningsAboutDynamic(settings: Settings): string[] {
  const missing = missingProtection(settings)
  const warnings = warningsAboutEffect(settings)
  return missing === undefined ? warnings : [`${missing.what}; delete it with kafka-configs`, ...warnings]
}

/** A value that refers to one of config.providers. It would be taken literally. Source: ConfigTransformer. */
export function unresolvedValue({ originals, values }: StaticConfig): InvalidSetting | undefined {
  const providers = (values.get('config.providers')?.value ?? []) as readonly string[]
  for (const [name, text] of originals) {
    const provider = /\$\{([^:}]+):[^}]*\}/.exec(text)?.[1]
    if (provider !== undefined && providers.includes(provider))
      return new InvalidSetting(
        `${name} refers to the config provider ${provider}: Ottla has no config providers yet; set the value directly`,
      )
  }
  return undefined
}

/** One line per reason, with the settings that have it. */
export function warningsAboutEffect(settings: Settings): string[] {
  const byReason = new Map<string, string[]>()
  for (const { name, value, withoutEffect } of givenWithoutEffect(settings)) {
    if (!withoutEffect.warns || protects(value, withoutEffect)) continue
    byReason.set(withoutEffect.because, [...(byReason.get(withoutEffect.because) ?? []), name])
  }
  return [...byReason].map(
    ([because, names]) => `${listed(names)} ${names.length === 1 ? 'has' : 'have'} no effect: ${because}`,
  )
}

function protects(value: unknown, { protection }: WithoutEffect): boolean {
  return protection !== undefined && (protection.by === undefined || protection.by(value))
}

/** Settings without effect whose value differs from their default. */
function givenWithoutEffect(settings: Settings): Given[] {
  const given: Given[] = []
  for (const [name, text] of settings) {
    const authorizer = authorizerSettings[name]
    if (authorizer !== undefined && text.trim() !== '')
      given.push({ name, text: text.trim(), value: text.trim(), withoutEffect: authorizer })
    const entry = brokerEntry(name)
    if (entry?.withoutEffect === undefined) continue
    const parsed = parseSetting(entry, text)
    if (parsed instanceof InvalidSetting || parsed.text === (defaultOf(entry).text ?? '')) continue
    given.push({ name, text: shown(entry, parsed.text), value: parsed.value, withoutEffect: entry.withoutEffect })
  }
  return given
}

function shown(entry: ConfigEntry, text: string | null): string | undefined {
  return entry.type === 'password' ? undefined : (text ?? '')
}
