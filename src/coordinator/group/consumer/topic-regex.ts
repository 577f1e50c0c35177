import { createRequire } from 'node:module'
import { type Rejection, reject } from '../../../../protocol/error-codes.ts'

/** Topics that matched a regular expression when it was last resolved. */
export interface ResolvedRegex {
  readonly topics: ReadonlySet<string>
  /** End offset of the metadata image used. */
  readonly version: number
  readonly timestampMs: number
}

type Re2 = typeof import('re2js')

let loaded: Re2 | undefined

/** Loaded with the first expression: RE2 is a fifth of all code, and few consumers subscribe by expression. */
function re2(): Re2 {
  loaded ??= createRequire(import.meta.url)('re2js') as Re2
  return loaded
}

/** INVALID_REGULAR_EXPRESSION if RE2 cannot parse it. Source: Utils.throwIfRegularExpressionIsInvalid. */
export function validateRegex(regex: string): Rejection | undefined {
  const { RE2JS, RE2JSSyntaxException } = re2()
  try {
    RE2JS.compile(regex)
    return undefined
  } catch (error) {
    if (!(error instanceof RE2JSSyntaxException)) throw error
    return reject(
      'INVALID_REGULAR_EXPRESSION',
      `SubscribedTopicRegex \`${regex}\` is not a valid regular expression: ${error.getDescription()}.`,
    )
  }
}

/** Names matched between two yields: a few hundred microseconds. */
const NAMES_PER_STEP = 64

/**
 * Topics whose whole name matches each expression; none for an invalid one. Yields now and then. Source:
 * TopicRegexResolver.
 */
export function* resolveRegexes(
  regexes: Iterable<string>,
  topics: readonly string[],
  version: number,
  nowMs: number,
): Generator<void, Map<string, ResolvedRegex>> {
  const resolved = new Map<string, ResolvedRegex>()
  for (const regex of regexes) {
    resolved.set(regex, { topics: yield* matching(regex, topics), version, timestampMs: nowMs })
  }
  return resolved
}

function* matching(regex: string, names: readonly string[]): Generator<void, ReadonlySet<string>> {
  const matched = new Set<string>()
  // Written by another broker with another regex library.
  if (validateRegex(regex) !== undefined) return matched
  const pattern = re2().RE2JS.compile(regex)
  for (const [index, name] of names.entries()) {
    if (pattern.matches(name)) matched.add(name)
    if (index % NAMES_PER_STEP === NAMES_PER_STEP - 1) yield
  }
  return matched
}
