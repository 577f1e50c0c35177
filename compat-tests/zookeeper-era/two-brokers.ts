import type { BrokerProgram } from '../broker-program.ts'
import { ottla } from '../broker-program.ts'
import { oldKafka } from '../storage/old-kafka.ts'
import { TestBroker } from '../test-broker.ts'

/** Ottla with its ZooKeeper endpoint on the broker's second port. */
export const ottlaWithZooKeeper: BrokerProgram = {
  ...ottla,
  command: (place) =>
    ottla.command({
      ...place,
      settings: { 'zookeeper.connect': `127.0.0.1:${place.controllerPort}`, 'broker.id': '1', ...place.settings },
    }),
}

/** A broker as tools of ZooKeeper's time address it. */
export interface Addressed {
  readonly broker: TestBroker
  /** Kafka's address. */
  readonly bootstrap: string
  /** ZooKeeper's address. */
  readonly zookeeper: string
}

/** Ottla, and Apache Kafka 2.8.2 with its ZooKeeper, with the same settings. */
export async function startBoth(): Promise<{ ottla: Addressed; kafka: Addressed }> {
  const settings = { 'auto.create.topics.enable': 'true', 'offsets.topic.num.partitions': '1' }
  const [own, real] = await TestBroker.startAll([
    { program: ottlaWithZooKeeper, settings },
    { program: oldKafka, settings },
  ])
  return { ottla: addressed(own!), kafka: addressed(real!) }
}

/** Addresses of a broker that serves ZooKeeper’s clients on its second port. */
export function addressed(broker: TestBroker): Addressed {
  return { broker, bootstrap: broker.bootstrap, zookeeper: `127.0.0.1:${broker.secondPort}` }
}
