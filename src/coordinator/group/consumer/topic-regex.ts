import { type Rejection, reject } from '../../../../protocol/error-codes.ts'
import { compileRe2 } from '../../../config/re2.ts'

/** Topics that matched a regular expression when it was last resolved. */
export interface ResolvedRegex {
  readonly topics: ReadonlySet<string>
  /** End offset of the metadata image used. */
  readonly version: number
  readonly timestampMs: number
}

/** INVALID_REGULAR_EXPRESSION if RE2 cannot parse it. Source: Utils.throwIfRegularExpressionIsInvalid. */
export function validateRegex(regex: string): Rejection | undefined {
  const compiled = compileRe2(regex)
  if (typeof compiled !== 'string') return undefined
  return reject(
    'INVALID_REGULAR_EXPRESSION',
    `SubscribedTopicRegex \`${regex}\` is not a valid regular expression: ${compiled}.`,
  )
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
  const pattern = compileRe2(regex)
  // Written by another broker with another regex library.
  if (typeof pattern === 'string') return matched
  for (const [index, name] of names.entries()) {
    if (pattern.matches(name)) matched.add(name)
    if (index % NAMES_PER_STEP === NAMES_PER_STEP - 1) yield
  }
  return matched
}
