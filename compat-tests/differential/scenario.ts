import type { ApiSchema } from '../../protocol/schema.ts'
import type { Knock, Send } from './transcript.ts'
import { versionsOf } from './versions.ts'

/** Requests that are sent to both brokers in the same order. */
export interface Scenario {
  readonly name: string
  /** True where what is exchanged says too little to count as a comparison of the api. */
  readonly isTrivial?: boolean
  readonly run: (send: Send, opener: () => Promise<Send>, knock: Knock) => Promise<void>
}

/** A scenario that is played once for each of those versions; names of topics and groups must carry the version. */
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

/** Version of an api in the age that is being played. */
// biome-ignore lint/suspicious/noExplicitAny: any api
export type At = (api: ApiSchema<any, any>) => number

/**
 * A scenario of several apis, played with all in their oldest version, all in a middle one, and all in their newest;
 * names of topics and groups must carry the age.
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
