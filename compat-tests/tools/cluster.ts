import { isOld, type ToolCase, type ToolFamily } from './tool-case.ts'

const onCluster = (args: string) => `kafka-cluster ${args}`

const leadership = [
  ...['--election-type preferred --all-topic-partitions', '--election-type preferred --topic l --partition 0'],
  ...['--election-type unclean --topic l --partition 0', '--election-type preferred --topic l --partition 9'],
  ...[
    '--election-type preferred --topic no-such-topic --partition 0',
    '--election-type unclean --all-topic-partitions',
  ],
  ...['--election-type preferred --path-to-json-file FILES/election.json', '--election-type nonsense', ''],
  ...['--election-type preferred --topic l', '--election-type preferred --path-to-json-file FILES/bad.json'],
].map((args) => `kafka-leader-election --bootstrap-server BROKER ${args}`)

const reassigning = [
  '--generate --topics-to-move-json-file FILES/move.json --broker-list 1',
  '--generate --topics-to-move-json-file FILES/move.json --broker-list 1,2',
  '--execute --reassignment-json-file FILES/reassign.json',
  '--verify --reassignment-json-file FILES/reassign.json',
  '--execute --reassignment-json-file FILES/reassign.json --throttle 1000',
  '--verify --reassignment-json-file FILES/reassign.json',
  '--execute --reassignment-json-file FILES/reassign-away.json',
  '--execute --reassignment-json-file FILES/reassign-unknown.json',
  '--execute --reassignment-json-file FILES/bad.json',
  '--cancel --reassignment-json-file FILES/reassign.json',
  '--list',
  '--verify',
  '',
].map((args) => `kafka-reassign-partitions --bootstrap-server BROKER ${args}`)

const logDirs = [
  '--describe',
  '--describe --topic-list l',
  '--describe --broker-list 1 --topic-list l',
  '--command-config FILES/quick.properties --describe --broker-list 5',
  '',
].map((args): ToolCase => ({ command: `kafka-log-dirs --bootstrap-server BROKER ${args}`, normalise: ['logDirs'] }))

function features(version: string): string[] {
  const old = isOld(version)
  const args = old
    ? ['--describe', '', '--upgrade-all']
    : [
        ...['describe', 'upgrade --feature metadata.version=1', 'downgrade --feature metadata.version=7'],
        ...['upgrade --feature no.such.feature=1', 'upgrade --metadata 3.0-IV1'],
        ...[
          'upgrade --release-version 9.9',
          'disable --feature group.version',
          'upgrade --feature group.version=1 --dry-run',
        ],
        ...[
          'upgrade',
          'version-mapping',
          'version-mapping --release-version 4.0',
          'feature-dependencies --feature group.version=1',
        ],
        ...['', 'nonsense'],
      ]
  return args.map((each) => `kafka-features --bootstrap-server BROKER ${each}`)
}

/** What ends by itself; the rest is in replica-verification.test.ts. */
function verifying(version: string): string[] {
  const topics = isOld(version) ? '--topic-white-list' : '--topics-include'
  const toBroker = [`${topics} no-such-topic`, `${topics} '['`, '--report-interval-ms soon', '--no-such-option']
  const all = ['', '--time -2', '--broker-list nonsense', ...toBroker.map((args) => `--broker-list BROKER ${args}`)]
  return all.map((args) => `kafka-replica-verification ${args}`)
}

const newer = [
  onCluster('list-endpoints --bootstrap-server BROKER'),
  onCluster('list-endpoints --bootstrap-server BROKER --include-fenced-brokers'),
  'kafka-metadata-quorum --bootstrap-server BROKER describe',
  'kafka-metadata-quorum --bootstrap-server BROKER',
]
/** After the first of these the voter is in the log. */
const raised: ToolCase[] = [
  'kafka-features --bootstrap-server BROKER upgrade --release-version 4.4',
  'kafka-features --bootstrap-server BROKER describe',
  'kafka-features --bootstrap-server BROKER upgrade --release-version 4.4',
  'kafka-features --bootstrap-server BROKER upgrade --feature kraft.version=1',
  'kafka-features --bootstrap-server BROKER downgrade --feature kraft.version=0',
  'kafka-features --bootstrap-server BROKER downgrade --unsafe --feature kraft.version=0',
  'kafka-features --bootstrap-server BROKER disable --feature kraft.version',
].map((command) => ({ command }))
const quorum: ToolCase[] = ['--status', '--replication', '--replication --human-readable'].map((args) => ({
  command: `kafka-metadata-quorum --bootstrap-server BROKER describe ${args}`,
  normalise: ['numbers'],
}))

/** Tools for the cluster: ids, versions, features, quorum, leaders, replicas, directories. */
export const cluster: ToolFamily = {
  title: 'the cluster',
  cases: (version) => [
    'kafka-topics --bootstrap-server BROKER --create --topic l --partitions 2',
    onCluster('cluster-id --bootstrap-server BROKER'),
    onCluster('unregister --bootstrap-server BROKER --id 5'),
    onCluster('unregister --bootstrap-server BROKER'),
    onCluster('nonsense'),
    onCluster(''),
    ...leadership,
    ...reassigning,
    ...logDirs,
    ...verifying(version),
    ...features(version),
    { command: 'kafka-broker-api-versions --bootstrap-server BROKER', normalise: ['apiVersions'] },
    'kafka-broker-api-versions',
    ...(isOld(version) ? [] : [...newer, ...quorum]),
    ...(version === '4.4.0' ? raised : []),
  ],
}
