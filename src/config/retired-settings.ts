/** Broker settings of Kafka 0.8 to 3.9 that 4.4 dropped, with their replacements. They are accepted with a warning. */
const retired: Readonly<Record<string, string>> = {
  'advertised.host.name': 'use advertised.listeners',
  'advertised.port': 'use advertised.listeners',
  'auto.leader.rebalance.interval': 'use leader.imbalance.check.interval.seconds',
  'broker.id.generation.enable': 'node.id is read from the data directory, or 1 in a new one',
  'control.plane.listener.name': 'there is no control plane listener',
  'controlled.shutdown.max.retries': 'a clean stop does not wait for another controller',
  'controlled.shutdown.retry.backoff.ms': 'a clean stop does not wait for another controller',
  'controller.message.queue.size': 'the controller runs in the broker’s process',
  'delegation.token.master.key': 'Ottla has no delegation tokens yet',
  'eligible.leader.replicas.enable': 'it is now the feature level eligible.leader.replicas.version',
  'group.consumer.migration.enable': 'use group.consumer.migration.policy',
  'group.coordinator.new.enable': 'there is only the new group coordinator',
  'host.name': 'use listeners',
  'inter.broker.protocol.version': 'it is now the feature level metadata.version',
  'leader.imbalance.per.broker.percentage': 'any imbalance is corrected, as in Kafka 4',
  'log.cleaner.io.max.bytes': 'use log.cleaner.io.max.bytes.per.second',
  'log.message.downconversion.enable': 'old consumers are always served',
  'log.message.format.version': 'batches are always stored in format v2',
  'log.message.timestamp.difference.max.ms':
    'use log.message.timestamp.before.max.ms and log.message.timestamp.after.max.ms',
  'offsets.commit.required.acks': 'commits are always written to all in-sync replicas',
  'password.encoder.cipher.algorithm': 'passwords in dynamic settings are stored unencrypted, as in Kafka 4',
  'password.encoder.iterations': 'passwords in dynamic settings are stored unencrypted, as in Kafka 4',
  'password.encoder.key.length': 'passwords in dynamic settings are stored unencrypted, as in Kafka 4',
  'password.encoder.keyfactory.algorithm': 'passwords in dynamic settings are stored unencrypted, as in Kafka 4',
  'password.encoder.old.secret': 'passwords in dynamic settings are stored unencrypted, as in Kafka 4',
  'password.encoder.secret': 'passwords in dynamic settings are stored unencrypted, as in Kafka 4',
  port: 'use listeners',
  'quota.consumer.default': 'Ottla has no client quotas yet',
  'quota.producer.default': 'Ottla has no client quotas yet',
  'reserved.broker.max.id': 'any node.id may be used',
  'unstable.metadata.versions.enable': 'Ottla has no unstable versions',
  'zookeeper.clientCnxnSocket': 'Ottla connects to no ZooKeeper',
  'zookeeper.connection.timeout.ms': 'Ottla connects to no ZooKeeper',
  'zookeeper.max.in.flight.requests': 'Ottla connects to no ZooKeeper',
  'zookeeper.metadata.migration.enable': 'Ottla connects to no ZooKeeper',
  'zookeeper.metadata.migration.min.batch.size': 'Ottla connects to no ZooKeeper',
  'zookeeper.session.timeout.ms': 'Ottla connects to no ZooKeeper',
  'zookeeper.set.acl': 'Ottla connects to no ZooKeeper',
  'zookeeper.sync.time.ms': 'Ottla connects to no ZooKeeper',
}

/** The replacement of a setting of an old version; undefined if no version had it. */
export function retiredSetting(name: string): string | undefined {
  return retired[name] ?? (name.startsWith('zookeeper.') ? 'Ottla connects to no ZooKeeper' : undefined)
}
