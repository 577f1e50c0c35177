import { isOld, type ToolCase, type ToolFamily } from './tool-case.ts'

const TO = '--bootstrap-controller CONTROLLER'

const asked = [
  `kafka-cluster cluster-id ${TO}`,
  `kafka-cluster list-endpoints ${TO}`,
  `kafka-cluster list-endpoints ${TO} --include-fenced-brokers`,
  `kafka-cluster unregister ${TO} --id 5`,
  `kafka-features ${TO} describe`,
  `kafka-features ${TO} upgrade --feature no.such.feature=1`,
  `kafka-features ${TO} upgrade --feature group.version=1`,
  `kafka-configs ${TO} --entity-type brokers --entity-default --describe`,
  `kafka-configs ${TO} --entity-type brokers --entity-default --alter --add-config log.retention.ms=86400000`,
  `kafka-configs ${TO} --entity-type brokers --entity-default --describe`,
  `kafka-configs ${TO} --entity-type brokers --entity-default --alter --delete-config log.retention.ms`,
  `kafka-configs ${TO} --entity-type brokers --entity-name 5 --describe`,
  `kafka-configs ${TO} --entity-type users --describe`,
  `kafka-configs ${TO} --entity-type topics --entity-name no-such-topic --alter --add-config retention.ms=1`,
  'kafka-cluster list-endpoints --bootstrap-controller BROKER',
  'kafka-metadata-quorum --bootstrap-controller BROKER describe --status',
  'kafka-features --bootstrap-server CONTROLLER describe',
  'kafka-topics --bootstrap-server CONTROLLER --list',
]

const measured = ['--status', '--replication'].map(
  (args): ToolCase => ({ command: `kafka-metadata-quorum ${TO} describe ${args}`, normalise: ['numbers'] }),
)

/** Tools that ask the controller itself (KIP-919), and those that ask the wrong listener. */
export const controller: ToolFamily = {
  title: 'the controller',
  cases: (version) => (isOld(version) ? [] : [...asked, ...measured]),
}
