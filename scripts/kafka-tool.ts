/**
 * Downloads Apache Kafka with its tools through Maven, once per version, and runs one of its tools: `npm run kafka-tool
 * -- 2.8.2 kafka-topics --bootstrap-server localhost:9092 --list`.
 */
import { execFile, spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'

/** Folder of versions: KAFKA_JARS, or a persistent one in the system's temporary directory. */
const jarsDirectory = process.env.KAFKA_JARS ?? join(tmpdir(), 'jars')

/** Folder with the jars of that version; downloads them if they are missing. Two processes may do so at once. */
export async function kafkaJars(version: string): Promise<string> {
  const home = join(jarsDirectory, version)
  if (existsSync(join(home, 'ok'))) return join(home, 'lib')
  mkdirSync(jarsDirectory, { recursive: true })
  const fresh = mkdtempSync(join(jarsDirectory, `${version}-`))
  try {
    await fetchJars(version, fresh)
    writeFileSync(join(fresh, 'ok'), '')
    putInPlace(fresh, home)
  } finally {
    rmSync(fresh, { recursive: true, force: true })
  }
  return join(home, 'lib')
}

// The first process wins: its jars may already be in use. A folder without `ok` is incomplete.
function putInPlace(fresh: string, home: string): void {
  while (!existsSync(join(home, 'ok'))) {
    try {
      renameSync(fresh, home)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code !== 'ENOTEMPTY' && code !== 'EEXIST' && code !== 'EPERM') throw error
      if (!existsSync(join(home, 'ok'))) renameSync(home, `${fresh}-stale`)
      rmSync(`${fresh}-stale`, { recursive: true, force: true })
    }
  }
}

/** Class path of that version for java's -cp. */
export async function kafkaClassPath(version: string): Promise<string> {
  return join(await kafkaJars(version), '*')
}

// Scala version for which that Kafka version was built.
function scalaVersion(version: string): string {
  if (version.startsWith('0.9')) return '2.11'
  return /^(0\.1[01]|1\.)/.test(version) ? '2.12' : '2.13'
}

async function fetchJars(version: string, directory: string): Promise<void> {
  const toolsArtifact = dependency('org.apache.kafka', 'kafka-tools', version)
  try {
    await copyDependencies(version, directory, toolsArtifact)
  } catch (error) {
    // 4.4.0 was published without tools. After any other failure no version without tools may remain.
    if (!/kafka-tools:jar:\S+ (was not found|in )/.test((error as Error).message)) throw error
    await copyDependencies(version, directory, '')
  }
}

async function copyDependencies(version: string, directory: string, extra: string): Promise<void> {
  const logging = version.startsWith('4.')
    ? dependency('org.apache.logging.log4j', 'log4j-slf4j-impl', '2.25.4')
    : dependency('org.slf4j', 'slf4j-nop', '1.7.36')
  const core = dependency('org.apache.kafka', `kafka_${scalaVersion(version)}`, version)
  const project = `<project><modelVersion>4.0.0</modelVersion><groupId>ottla</groupId><artifactId>jars</artifactId>
<version>1</version><dependencies>${core}${extra}${logging}</dependencies></project>`
  writeFileSync(join(directory, 'pom.xml'), project)
  const args = [
    '-q',
    '-B',
    '-Dstyle.color=never',
    'dependency:copy-dependencies',
    '-DoutputDirectory=lib',
    '-DincludeScope=runtime',
  ]
  try {
    await promisify(execFile)('mvn', args, { cwd: directory, maxBuffer: 64 << 20 })
  } catch (error) {
    const { code, stdout } = error as { code: unknown; stdout: string }
    const why = code === 'ENOENT' ? 'Maven (mvn) is missing' : stdout.trim().split('\n', 1)[0]
    throw new Error(`cannot fetch Apache Kafka ${version}: ${why}`)
  }
}

function dependency(group: string, artifact: string, version: string): string {
  return `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version></dependency>`
}

const tools = 'org.apache.kafka.tools'

/** Main classes by script name in a Kafka download; the newest first, because they moved out of the core. */
const mainClasses: Readonly<Record<string, readonly string[]>> = {
  'kafka-acls': [`${tools}.AclCommand`, 'kafka.admin.AclCommand'],
  'kafka-broker-api-versions': [`${tools}.BrokerApiVersionsCommand`, 'kafka.admin.BrokerApiVersionsCommand'],
  'kafka-client-metrics': [`${tools}.ClientMetricsCommand`],
  'kafka-cluster': [`${tools}.ClusterTool`, 'kafka.tools.ClusterTool'],
  'kafka-configs': [`${tools}.ConfigCommand`, 'kafka.admin.ConfigCommand'],
  'kafka-console-consumer': [`${tools}.consumer.ConsoleConsumer`, 'kafka.tools.ConsoleConsumer'],
  'kafka-console-producer': [`${tools}.ConsoleProducer`, 'kafka.tools.ConsoleProducer'],
  'kafka-console-share-consumer': [`${tools}.consumer.ConsoleShareConsumer`],
  'kafka-consumer-groups': [`${tools}.consumer.group.ConsumerGroupCommand`, 'kafka.admin.ConsumerGroupCommand'],
  'kafka-consumer-perf-test': [`${tools}.ConsumerPerformance`, 'kafka.tools.ConsumerPerformance'],
  'kafka-delegation-tokens': [`${tools}.DelegationTokenCommand`, 'kafka.admin.DelegationTokenCommand'],
  'kafka-delete-records': [`${tools}.DeleteRecordsCommand`, 'kafka.admin.DeleteRecordsCommand'],
  'kafka-dump-log': [`${tools}.DumpLogSegments`, 'kafka.tools.DumpLogSegments'],
  'kafka-e2e-latency': [`${tools}.EndToEndLatency`, 'kafka.tools.EndToEndLatency'],
  'kafka-features': [`${tools}.FeatureCommand`, 'kafka.admin.FeatureCommand'],
  'kafka-get-offsets': [`${tools}.GetOffsetShell`, 'kafka.tools.GetOffsetShell'],
  'kafka-groups': [`${tools}.GroupsCommand`],
  'kafka-leader-election': [`${tools}.LeaderElectionCommand`, 'kafka.admin.LeaderElectionCommand'],
  'kafka-log-dirs': [`${tools}.LogDirsCommand`, 'kafka.admin.LogDirsCommand'],
  'kafka-metadata-quorum': [`${tools}.MetadataQuorumCommand`, 'kafka.admin.MetadataQuorumCommand'],
  'kafka-preferred-replica-election': ['kafka.admin.PreferredReplicaLeaderElectionCommand'],
  'kafka-producer-perf-test': [`${tools}.ProducerPerformance`],
  'kafka-reassign-partitions': [`${tools}.reassign.ReassignPartitionsCommand`, 'kafka.admin.ReassignPartitionsCommand'],
  'kafka-replica-verification': [`${tools}.ReplicaVerificationTool`, 'kafka.tools.ReplicaVerificationTool'],
  'kafka-share-consumer-perf-test': [`${tools}.ShareConsumerPerformance`],
  'kafka-share-groups': [`${tools}.consumer.group.ShareGroupCommand`],
  'kafka-simple-consumer-shell': ['kafka.tools.SimpleConsumerShell'],
  'kafka-storage': ['kafka.tools.StorageTool'],
  'kafka-streams-application-reset': [`${tools}.StreamsResetter`, 'kafka.tools.StreamsResetter'],
  'kafka-streams-groups': [`${tools}.streams.StreamsGroupCommand`],
  'kafka-topics': [`${tools}.TopicCommand`, 'kafka.admin.TopicCommand'],
  'kafka-transactions': [`${tools}.TransactionsCommand`],
  'kafka-verifiable-consumer': [`${tools}.VerifiableConsumer`],
  'kafka-verifiable-producer': [`${tools}.VerifiableProducer`],
  'kafka-verifiable-share-consumer': [`${tools}.VerifiableShareConsumer`],
}

/** Main class of a tool in that version. A jar's table of contents holds its names as plain text. */
export async function mainClass(version: string, tool: string): Promise<string> {
  const candidates = mainClasses[tool] ?? []
  const directory = await kafkaJars(version)
  const jars = readdirSync(directory).filter((name) => /^kafka[_-].*\.jar$/.test(name))
  const contents = jars.map((name) => readFileSync(join(directory, name)))
  const found = candidates.find((name) => contents.some((jar) => jar.includes(`${name.replaceAll('.', '/')}.class`)))
  if (found !== undefined) return found
  if (candidates.length === 0)
    throw new Error(`no tool is called ${tool}; known: ${Object.keys(mainClasses).join(', ')}`)
  throw new Error(`the jars of Apache Kafka ${version} do not contain ${tool} (4.4.0 has no tools: use 4.3.1)`)
}

/** Fast start and little memory: a tool runs for seconds. */
const jvmFlags = ['-Xms64m', '-Xmx512m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xshare:auto']

/** Argument list that runs a tool of that version. */
export async function kafkaToolCommand(version: string, tool: string, args: readonly string[]): Promise<string[]> {
  return ['java', ...jvmFlags, '-cp', await kafkaClassPath(version), await mainClass(version, tool), ...args]
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === import.meta.filename) {
  const [version, tool, ...args] = process.argv.slice(2)
  if (version === undefined || tool === undefined) {
    console.error(`usage: npm run kafka-tool -- VERSION TOOL [arguments of the tool]
example: npm run kafka-tool -- 4.3.1 kafka-topics --bootstrap-server localhost:9092 --list
tools: ${Object.keys(mainClasses).join(', ')}`)
    process.exit(1)
  }
  // No top-level await: mocha loads this file through require.
  kafkaToolCommand(version, tool, args).then(
    ([file, ...rest]) => process.exit(spawnSync(file!, rest, { stdio: 'inherit' }).status ?? 1),
    (error: Error) => {
      console.error(error.message)
      process.exit(1)
    },
  )
}
