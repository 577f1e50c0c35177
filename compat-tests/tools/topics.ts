import { isOld, type ToolFamily } from './tool-case.ts'

const creating = [
  '--topic a --partitions 3 --replication-factor 1',
  '--topic a',
  '--topic a --if-not-exists',
  '--topic b --config retention.ms=60000 --config cleanup.policy=compact',
  '--topic c --replica-assignment 1,1',
  '--topic d',
  '--topic c.d',
  '--topic c_d',
  '--topic e --config no.such.setting=1',
  '--topic e --config retention.ms=soon',
  '--topic e --config retention.ms=-2',
  '--topic e --config retention.ms',
  '--topic e --replication-factor 2',
  '--topic e --replication-factor 0',
  '--topic e --partitions 0',
  '--topic e --replica-assignment 5',
  '--topic e --replica-assignment 1:1',
  '--topic e --replica-assignment 1 --partitions 2',
  "--topic 'a b'",
  '--topic ..',
  `--topic ${'x'.repeat(250)}`,
  '',
].map((args) => `--create ${args}`)

const listing = [
  ...['--list', '--list --exclude-internal', "--list --topic 'a|b'", '--list --topic no-such-topic'],
  ...['--describe --topic a', '--describe --topic b', '--describe --topic c', "--describe --topic 'a|b'"],
  ...['--describe', '--describe --exclude-internal', '--describe --topics-with-overrides'],
  ...['--describe --under-replicated-partitions', '--describe --unavailable-partitions'],
  ...['--describe --under-min-isr-partitions', '--describe --at-min-isr-partitions'],
  ...['--describe --topic no-such-topic', '--describe --topic no-such-topic --if-exists'],
]

const altering = [
  '--topic a --partitions 4',
  '--topic a --partitions 4',
  '--topic a --partitions 2',
  '--topic a --partitions 6 --replica-assignment 1,1,1,1,1,1',
  '--topic a --partitions 7 --replica-assignment 1,1,1,1,1,1,5',
  '--topic no-such-topic --partitions 2',
  '--topic no-such-topic --partitions 2 --if-exists',
  '--topic a',
  '--topic a --config retention.ms=1',
  '--topic a --delete-config retention.ms',
].map((args) => `--alter ${args}`)

const deleting = [
  ...['--delete --topic c.d', '--delete --topic no-such-topic', '--delete --topic no-such-topic --if-exists'],
  ...["--delete --topic 'b|c'", '--delete', '--list'],
]

const refused = ['', '--list --create', '--no-such-option', '--list --partitions 3', '--version', '--describe --create']

const byId = [
  '--describe --topic-id AAAAAAAAAAAAAAAAAAAABA',
  '--describe --topic-id nonsense',
  '--describe --topic a --partition-size-limit-per-response 1',
]

/** kafka-topics. */
export const topics: ToolFamily = {
  title: 'topics',
  cases: (version) =>
    [...creating, ...listing, ...(isOld(version) ? [] : byId), ...altering, ...deleting, ...refused].map(
      (args) => `kafka-topics --bootstrap-server BROKER ${args}`,
    ),
}
