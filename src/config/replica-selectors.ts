import { InvalidSetting } from './config-value.ts'

/** Values of replica.selector.class: Kafka's own classes. */
export const replicaSelectors = {
  leader: 'org.apache.kafka.common.replica.LeaderSelector',
  rackAware: 'org.apache.kafka.common.replica.RackAwareReplicaSelector',
} as const

/** A class of the user's, which Kafka would load. Undefined if the setting can be served. */
export function unsupportedSelector(selector: string | null): InvalidSetting | undefined {
  const known: readonly string[] = Object.values(replicaSelectors)
  if (selector === null || known.includes(selector)) return undefined
  return new InvalidSetting(
    `replica.selector.class=${selector}: Ottla loads no Java classes; set ${known.join(' or ')}, or remove the setting`,
  )
}
