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

/** Topics whose whole name matches each expression; none for an invalid one. Source: TopicRegexResolver. */
export function resolveRegexes(
  regexes: Iterable<string>,
  topics: Iterable<string>,
  version: number,
  nowMs: number,
): Map<string, ResolvedRegex> {
  const names = [...topics]
  const resolved = new Map<string, ResolvedRegex>()
  for (const regex of regexes) {
    resolved.set(regex, { topics: new Set(matching(regex, names)), version, timestampMs: nowMs })
  }
  return resolved
}

function matching(regex: string, names: readonly string[]): string[] {
  // Written by another broker with another regex library.
  if (validateRegex(regex) !== undefined) return []
  const pattern = re2().RE2JS.compile(regex)
  return names.filter((name) => pattern.matches(name))
}
