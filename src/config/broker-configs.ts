import { controllerConfigs } from './broker/controller-configs.ts'
import { groupsConfigs } from './broker/groups-configs.ts'
import { logConfigs } from './broker/log-configs.ts'
import { networkConfigs } from './broker/network-configs.ts'
import { quotaConfigs } from './broker/quota-configs.ts'
import { remoteConfigs } from './broker/remote-configs.ts'
import { replicationConfigs } from './broker/replication-configs.ts'
import { saslConfigs } from './broker/sasl-configs.ts'
import { securityConfigs } from './broker/security-configs.ts'
import { serverConfigs } from './broker/server-configs.ts'
import { shareConfigs } from './broker/share-configs.ts'
import { sslConfigs } from './broker/ssl-configs.ts'
import { transactionsConfigs } from './broker/transactions-configs.ts'
import type { SettingsOf } from './config-entry.ts'

/** The chapters of the settings page, in page order. */
export const brokerConfigChapters = {
  'Listeners, connections and requests': networkConfigs,
  'The node itself': serverConfigs,
  'Quotas and throttling': quotaConfigs,
  'Logs on disk': logConfigs,
  'Replication between brokers': replicationConfigs,
  'Controller and metadata log': controllerConfigs,
  'Group coordinator and offsets': groupsConfigs,
  'Share groups and streams groups': shareConfigs,
  Transactions: transactionsConfigs,
  'Tiered storage': remoteConfigs,
  'Authorization and delegation tokens': securityConfigs,
  SASL: saslConfigs,
  TLS: sslConfigs,
} as const

/**
 * All settings allowed in server.properties, --override and dynamic broker settings. Source: AbstractKafkaConfig of
 * Kafka 4.4.
 */
export const brokerConfigs = {
  ...networkConfigs,
  ...serverConfigs,
  ...quotaConfigs,
  ...logConfigs,
  ...replicationConfigs,
  ...controllerConfigs,
  ...groupsConfigs,
  ...shareConfigs,
  ...transactionsConfigs,
  ...remoteConfigs,
  ...securityConfigs,
  ...saslConfigs,
  ...sslConfigs,
} as const

/** Resolved settings of a broker. */
export type BrokerSettings = SettingsOf<typeof brokerConfigs>
