import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { PATIENT_PRODUCER } from '../console-tools/stock-tools.ts'
import { ToolRunner } from '../console-tools/tool-runner.ts'
import { needs } from '../requirements.ts'
import { type Step, transcriptOf } from './transcript.ts'
import { type Addressed, startBoth } from './two-brokers.ts'

const topics = (...args: string[]): Step => ({ tool: 'kafka-topics', args: ['--zookeeper', '{zookeeper}', ...args] })
const configs = (...args: string[]): Step => ({ tool: 'kafka-configs', args: ['--zookeeper', '{zookeeper}', ...args] })
const reassign = (...args: string[]): Step => ({
  tool: 'kafka-reassign-partitions',
  args: ['--zookeeper', '{zookeeper}', ...args],
})
const elect = (...args: string[]): Step => ({
  tool: 'kafka-preferred-replica-election',
  args: ['--zookeeper', '{zookeeper}', ...args],
})

const consume = (...args: string[]): Step => ({
  tool: 'kafka-console-consumer',
  args: ['--zookeeper', '{zookeeper}', '--topic', 'read', '--consumer.config', '{folder}/consumer.properties', ...args],
})
const groups = (...args: string[]): Step => ({
  tool: 'kafka-consumer-groups',
  args: ['--zookeeper', '{zookeeper}', ...args],
})

const create = (topic: string, ...args: string[]) =>
  topics('--create', '--topic', topic, '--partitions', '3', '--replication-factor', '1', ...args)

/** Every operation of kafka-topics, good and bad. */
const TOPICS: readonly Step[] = [
  topics('--list'),
  create('one'),
  create('one'),
  create('one', '--if-not-exists'),
  create('with-settings', '--config', 'retention.ms=1000', '--config', 'cleanup.policy=compact'),
  create('bad-setting', '--config', 'retention.ms=soon'),
  create('unknown-setting', '--config', 'nothing=1'),
  create('bad name'),
  create('dots.and_underscores'),
  create('dots_and.underscores'),
  topics('--create', '--topic', 'assigned', '--replica-assignment', '1,1'),
  topics('--create', '--topic', 'too-many', '--partitions', '1', '--replication-factor', '2'),
  topics('--create', '--topic', 'none', '--partitions', '0', '--replication-factor', '1'),
  topics('--create', '--topic', 'incomplete'),
  topics('--list'),
  topics('--describe'),
  topics('--describe', '--topic', 'one'),
  topics('--describe', '--topic', 'nowhere'),
  topics('--describe', '--topics-with-overrides'),
  topics('--describe', '--under-replicated-partitions'),
  topics('--describe', '--unavailable-partitions'),
  topics('--alter', '--topic', 'one', '--partitions', '5'),
  topics('--alter', '--topic', 'one', '--partitions', '2'),
  topics('--alter', '--topic', 'assigned', '--partitions', '4', '--replica-assignment', '1,1,1,1'),
  topics('--alter', '--topic', 'nowhere', '--partitions', '2'),
  topics('--alter', '--topic', 'one', '--config', 'segment.bytes=1048576'),
  topics('--alter', '--topic', 'with-settings', '--delete-config', 'retention.ms'),
  topics('--describe', '--topic', 'one'),
  topics('--describe', '--topic', 'with-settings'),
  topics('--delete', '--topic', 'assigned'),
  topics('--delete', '--topic', 'nowhere'),
  { ...topics('--list'), until: /^(?!.*marked for deletion)/s },
]

/** Settings of topics, clients, users and brokers. SCRAM since 0.10.2, users with clients since 0.10.1. */
const CONFIGS: readonly Step[] = [
  configs('--alter', '--entity-type', 'topics', '--entity-name', 'one', '--add-config', 'flush.messages=7'),
  configs('--alter', '--entity-type', 'topics', '--entity-name', 'one', '--add-config', 'retention.ms=soon'),
  configs('--alter', '--entity-type', 'topics', '--entity-name', 'nowhere', '--add-config', 'retention.ms=1'),
  configs('--describe', '--entity-type', 'topics', '--entity-name', 'one'),
  configs('--alter', '--entity-type', 'topics', '--entity-name', 'one', '--delete-config', 'flush.messages'),
  configs('--describe', '--entity-type', 'topics', '--entity-name', 'one'),
  configs('--alter', '--entity-type', 'clients', '--entity-name', 'app', '--add-config', 'producer_byte_rate=1024'),
  configs('--describe', '--entity-type', 'clients', '--entity-name', 'app'),
  configs('--describe', '--entity-type', 'clients'),
]

const USERS: readonly Step[] = [
  // 0.9 writes it, Kafka ignores it, and Ottla refuses it.
  configs('--alter', '--entity-type', 'clients', '--entity-name', 'app', '--add-config', 'nothing=1'),
  configs('--alter', '--entity-type', 'users', '--entity-name', 'al ice', '--add-config', 'consumer_byte_rate=2048'),
  configs(
    '--alter',
    '--entity-type',
    'users',
    '--entity-name',
    'al ice',
    '--add-config',
    'SCRAM-SHA-256=[iterations=8192,password=secret]',
  ),
  configs('--alter', '--entity-type', 'users', '--entity-default', '--add-config', 'producer_byte_rate=9'),
  configs(
    '--alter',
    '--entity-type',
    'users',
    '--entity-name',
    'bob',
    '--entity-type',
    'clients',
    '--entity-name',
    'app',
    '--add-config',
    'request_percentage=50',
  ),
  configs('--describe', '--entity-type', 'users', '--entity-name', 'al ice'),
  configs('--describe', '--entity-type', 'users'),
  configs('--describe', '--entity-type', 'users', '--entity-type', 'clients'),
  configs(
    '--alter',
    '--entity-type',
    'users',
    '--entity-name',
    'al ice',
    '--delete-config',
    'SCRAM-SHA-256,consumer_byte_rate',
  ),
  configs('--describe', '--entity-type', 'users', '--entity-name', 'al ice'),
]

/** The tools' own refusal while the broker runs. */
const BROKERS: readonly Step[] = [
  configs('--alter', '--entity-type', 'brokers', '--entity-name', '1', '--add-config', 'log.cleaner.threads=2'),
  configs('--alter', '--entity-type', 'brokers', '--entity-default', '--add-config', 'log.cleaner.threads=2'),
  configs('--describe', '--entity-type', 'brokers', '--entity-name', '1'),
]

const REASSIGNMENTS: readonly Step[] = [
  reassign('--generate', '--topics-to-move-json-file', '{folder}/topics.json', '--broker-list', '1'),
  reassign('--execute', '--reassignment-json-file', '{folder}/same.json'),
  { ...reassign('--verify', '--reassignment-json-file', '{folder}/same.json'), until: /complete/ },
  reassign('--execute', '--reassignment-json-file', '{folder}/unknown.json'),
  elect('--path-to-json-file', '{folder}/election.json'),
  { ...elect(), until: /^(?!.*currently in progress)/s },
]

/** Later tools refuse a broker that is not there; those before 1.0 let the controller wait for it. */
const ELSEWHERE: readonly Step[] = [reassign('--execute', '--reassignment-json-file', '{folder}/elsewhere.json')]

/** The consumers of ZooKeeper's time: registration, offsets in ZooKeeper, and the tool that reads both. */
const CONSUMERS: readonly Step[] = [
  topics('--create', '--topic', 'read', '--partitions', '1', '--replication-factor', '1'),
  {
    tool: 'kafka-console-producer',
    args: ['--broker-list', '{bootstrap}', '--topic', 'read', ...PATIENT_PRODUCER],
    input: 'first\nsecond\nthird\n',
  },
  consume('--from-beginning', '--max-messages', '2'),
  groups('--list'),
  // The group goes on where it was, and finds nothing more once it is at the end.
  consume('--max-messages', '1'),
  consume('--timeout-ms', '1000'),
  groups('--describe', '--group', 'old-group'),
  groups('--delete', '--group', 'old-group'),
  groups('--list'),
  topics('--delete', '--topic', 'read'),
]

const shell = (...args: string[]): Step => ({ tool: 'zookeeper-shell', args: ['-server', '{zookeeper}', ...args] })

const SHELL: readonly Step[] = [
  shell('ls', '/brokers'),
  shell('ls', '/nowhere'),
  shell('get', '/brokers/topics/one'),
  shell('get', '/brokers/ids/1'),
  shell('stat', '/config/topics/one'),
  shell('ls2', '/config/topics/one'),
  shell('create', '/shell', 'text'),
  shell('create', '/shell', 'text'),
  shell('create', '-s', '/shell/numbered', 'text'),
  shell('set', '/shell', 'other'),
  shell('get', '/shell'),
  shell('getAcl', '/shell'),
  shell('listquota', '/shell'),
  shell('setquota', '-n', '5', '/shell'),
  shell('listquota', '/shell'),
  shell('delete', '/shell'),
  shell('delete', '/shell/numbered0000000000'),
  shell('delete', '/shell'),
  shell('ls', '/zookeeper/quota/shell'),
  shell('delete', '/zookeeper/quota/shell/zookeeper_limits'),
  shell('delete', '/zookeeper/quota/shell/zookeeper_stats'),
  shell('delete', '/zookeeper/quota/shell'),
]

const FILES: Readonly<Record<string, unknown>> = {
  'topics.json': { version: 1, topics: [{ topic: 'one' }] },
  'same.json': { version: 1, partitions: [{ topic: 'one', partition: 0, replicas: [1] }] },
  'elsewhere.json': { version: 1, partitions: [{ topic: 'one', partition: 0, replicas: [2] }] },
  'unknown.json': { version: 1, partitions: [{ topic: 'nowhere', partition: 0, replicas: [1] }] },
  'election.json': { partitions: [{ topic: 'one', partition: 0 }] },
}

/** Removes the topics, for the next version. */
const CLEANUP: readonly Step[] = [
  ...['one', 'with-settings', 'dots.and_underscores'].map((topic) => topics('--delete', '--topic', topic)),
  { ...topics('--list'), until: /^(?!.*marked for deletion)/s },
]

/** What each version has. */
const VERSIONS: Readonly<Record<string, readonly Step[]>> = {
  '0.9.0.1': [...TOPICS, ...CONFIGS, ...REASSIGNMENTS, ...SHELL, ...CONSUMERS],
  '0.10.2.2': [...TOPICS, ...CONFIGS, ...USERS, ...REASSIGNMENTS, ...CONSUMERS],
  '1.1.1': [...TOPICS, ...CONFIGS, ...USERS, ...BROKERS, ...REASSIGNMENTS, ...ELSEWHERE, ...CONSUMERS],
  '2.8.2': [...TOPICS, ...CONFIGS, ...USERS, ...BROKERS, ...REASSIGNMENTS, ...ELSEWHERE, ...SHELL],
}

describe('tools with --zookeeper do what they do with a real ZooKeeper', function () {
  needs('java', 'maven')
  this.timeout(240_000)
  let both: { ottla: Addressed; kafka: Addressed }
  let folder: string

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ottla-era-'))
    for (const [name, content] of Object.entries(FILES)) writeFileSync(join(folder, name), JSON.stringify(content))
    writeFileSync(join(folder, 'consumer.properties'), 'group.id=old-group\nauto.commit.interval.ms=100\n')
    both = await startBoth()
  })
  after(async () => {
    await both?.ottla.broker.dispose()
    await both?.kafka.broker.dispose()
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
  })

  for (const [version, steps] of Object.entries(VERSIONS)) {
    it(`of Apache Kafka ${version}`, async () => {
      const runner = await ToolRunner.start(version)
      try {
        const real = await transcriptOf(runner, [...steps, ...CLEANUP], both.kafka, folder)
        const own = await transcriptOf(runner, [...steps, ...CLEANUP], both.ottla, folder)
        const differing = own.flatMap((text, index) =>
          text === real[index] ? [] : [`ottla: ${text}kafka: ${real[index]}`],
        )
        expect(differing.join('\n')).to.equal('')
      } finally {
        await runner.close()
      }
    })
  }
})
