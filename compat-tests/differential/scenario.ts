import type { ApiSchema } from '../../protocol/schema.ts'
import type { Knock, Send } from './transcript.ts'
import { versionsOf } from './versions.ts'

/** Requests sent to both brokers in the same order. */
export interface Scenario {
  readonly name: string
  /** True if the exchange is too small to count as a comparison of the API. */
  readonly isTrivial?: boolean
  readonly run: (send: Send, opener: () => Promise<Send>, knock: Knock) => Promise<void>
}

/** A scenario that runs once per version; names of topics and groups must contain the version. */
export function inVersions(
  // biome-ignore lint/suspicious/noExplicitAny: any api
  api: ApiSchema<any, any>,
  name: string,
  run: (send: Send, version: number, opener: () => Promise<Send>) => Promise<void>,
): Scenario[] {
  return versionsOf(api).map((version) => ({
    name: `${api.name} v${version}: ${name}`,
    run: (send, opener) => run(send, version, opener),
  }))
}

/** Chooses the version of each API. */
// biome-ignore lint/suspicious/noExplicitAny: any api
export type At = (api: ApiSchema<any, any>) => number

/**
 * A scenario with several APIs that runs in each age: with all in their oldest version, a middle one, and their newest.
 * Names of topics and groups must contain the age.
 */
export function inAges(
  name: string,
  run: (play: { send: Send; at: At; age: string; opener: () => Promise<Send> }) => Promise<void>,
): Scenario[] {
  return ['oldest', 'middle', 'newest'].map((age, i) => ({
    name: `${name}, in the ${age} versions`,
    run: (send, opener) => {
      const at: At = (api) => {
        const versions = versionsOf(api)
        return versions[Math.ceil((i * (versions.length - 1)) / 2)] as number
      }
      return run({ send, at, age, opener })
    },
  }))
}

/** The newest version of each API. */
export const newest: At = (api) => versionsOf(api).at(-1) as number
