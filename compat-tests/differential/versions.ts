import type { ApiSchema } from '../../protocol/schema.ts'

/** Oldest version that Apache Kafka 4.4 still serves, for APIs where it is not the schema's oldest. */
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
  WriteTxnMarkers: 1,
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

/** Newest version that a stock 4.4 broker serves, for APIs whose newest schema version is unstable. */
export const newestIn44: Readonly<Record<string, number>> = { InitProducerId: 5 }

/** The oldest, a middle, and the newest version that both brokers serve. */
// biome-ignore lint/suspicious/noExplicitAny: any api
export function versionsOf(api: ApiSchema<any, any>): number[] {
  const oldest = oldestIn44[api.name] ?? api.versions.oldest
  const newest = newestIn44[api.name] ?? api.versions.newest
  return [...new Set([oldest, Math.floor((oldest + newest) / 2), newest])]
}

/** Label of an API version in exchanges. */
export function versionName(api: string, version: number): string {
  return `${api} v${version}`
}
