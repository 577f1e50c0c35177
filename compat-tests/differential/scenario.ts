import type { ApiSchema } from '../../protocol/schema.ts'
import type { Knock, Send } from './transcript.ts'

/** Requests that are sent to both brokers in the same order. */
export interface Scenario {
  readonly name: string
  /** True where what is exchanged says too little to count as a comparison of the api. */
  readonly isTrivial?: boolean
  readonly run: (send: Send, opener: () => Promise<Send>, knock: Knock) => Promise<void>
}

/** Oldest version that Apache Kafka 4.4 still answers, of apis where it is not the schema's oldest. */
export const oldestIn44: Readonly<Record<string, number>> = {
  Produce: 3,
  Fetch: 4,
  ListOffsets: 1,
  OffsetCommit: 2,
  OffsetFetch: 1,
  CreateTopics: 2,
  DeleteTopics: 1,
  OffsetForLeaderEpoch: 2,
  DescribeConfigs: 1,
  AlterReplicaLogDirs: 1,
  DescribeLogDirs: 1,
  DescribeAcls: 1,
  CreateAcls: 1,
  DeleteAcls: 1,
  CreateDelegationToken: 1,
  RenewDelegationToken: 1,
  ExpireDelegationToken: 1,
  DescribeDelegationToken: 1,
}

/** Newest version that a stock 4.4 broker answers, where the schema has one that is not finished. */
export const newestIn44: Readonly<Record<string, number>> = { InitProducerId: 5 }

/** The oldest, a middle, and the newest version that both brokers answer. */
// biome-ignore lint/suspicious/noExplicitAny: any api
export function versionsOf(api: ApiSchema<any, any>): number[] {
  const oldest = oldestIn44[api.name] ?? api.versions.oldest
  const newest = newestIn44[api.name] ?? api.versions.newest
  return [...new Set([oldest, Math.floor((oldest + newest) / 2), newest])]
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
