import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { exclusively } from '../../../scripts/exclusively.ts'
import { clientCache, INSTALL, installed } from '../../client-cache.ts'
import type { Requirement } from '../../requirements.ts'
import { runCommandWell } from '../../run-command.ts'
import { jvmClient } from '../jvm/jvm-client.ts'

/**
 * A client program with these verbs:
 *   produce BOOTSTRAP TOPIC CODEC COUNT         records 0 to COUNT-1: key "key-I", value "I:xxx", header index=I
 *   consume BOOTSTRAP TOPIC GROUP COUNT         as a group member from the beginning: prints one line of JSON per record, then commits
 *   admin BOOTSTRAP TOPIC                       creates the topic with 3 partitions and the longest retention, describes it, deletes it, lists topics
 */
export interface MatrixClient {
  readonly name: string
  readonly codecs: readonly string[]
  readonly requirements: readonly Requirement[]
  /** Data it cannot read from any broker: the writing client, its codec, and the reason. */
  readonly cannotRead?: { readonly writer: string; readonly codec: string; readonly reason: string }
  /** Argument list before the verb. Installs what is missing; rejects if that fails. */
  command(): Promise<string[]>
}

const folder = join(import.meta.dirname, '..')
const ALL_CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd']

const PYTHON_PACKAGES = [
  'confluent-kafka==2.16.1',
  'kafka-python==3.0.12',
  'aiokafka==0.14.0',
  'python-snappy==0.7.3',
  'lz4==4.4.5',
  'zstandard==0.25.0',
  'cramjam==2.14.0',
]
const NODE_PACKAGES = ['node@22.23.3', '@platformatic/kafka@2.12.1']

function python(name: string): MatrixClient {
  const command = async () => {
    const home = await installed('python', async (home) => {
      await runCommandWell(['python3', '-m', 'venv', home], INSTALL)
      await runCommandWell([join(home, 'bin', 'pip'), 'install', '-q', ...PYTHON_PACKAGES], INSTALL)
    })
    return [join(home, 'bin', 'python'), join(folder, name, 'client.py')]
  }
  return { name, codecs: ALL_CODECS, requirements: ['python'], command }
}

function go(name: string, limits: Pick<MatrixClient, 'cannotRead'> = {}): MatrixClient {
  const command = async () => {
    const program = join(clientCache, 'go', name)
    mkdirSync(dirname(program), { recursive: true })
    const build = ['go', 'build', '-o', program, '.']
    await exclusively(`build-${name}`, () => runCommandWell(build, { ...INSTALL, cwd: join(folder, name) }))
    return [program]
  }
  return { name, codecs: ALL_CODECS, requirements: ['go'], command, ...limits }
}

function rust(name: string): MatrixClient {
  const command = async () => {
    const target = join(clientCache, name)
    const build = ['cargo', 'build', '--quiet', '--target-dir', target]
    await exclusively(`build-${name}`, () => runCommandWell(build, { ...INSTALL, cwd: join(folder, name) }))
    return [join(target, 'debug', `${name}-client`)]
  }
  return { name, codecs: ALL_CODECS, requirements: ['rust'], command }
}

export const matrixClients: readonly MatrixClient[] = [
  python('confluent-kafka'),
  python('kafka-python'),
  python('aiokafka'),
  go('franz-go'),
  go('kafka-go', {
    cannotRead: {
      writer: 'aiokafka',
      codec: 'lz4',
      reason: 'kafka-go stops before frames with block checksums; it does so with Apache Kafka 4.4.0 too',
    },
  }),
  go('sarama'),
  rust('rdkafka'),
  { name: 'jvm', codecs: ALL_CODECS, requirements: ['java', 'maven'], command: jvmClient },
  {
    name: 'kafkajs',
    codecs: ['none', 'gzip'],
    requirements: [],
    command: async () => [process.execPath, '--import', 'tsx', join(import.meta.dirname, '../kafkajs/client.ts')],
  },
  {
    name: 'platformatic-kafka',
    codecs: ALL_CODECS,
    requirements: [],
    command: async () => {
      const home = await installed('platformatic-kafka', async (home) => {
        writeFileSync(join(home, 'package.json'), '{"private":true}')
        await runCommandWell(['npm', 'install', '--no-audit', '--no-fund', ...NODE_PACKAGES], { ...INSTALL, cwd: home })
      })
      // Node.js resolves the package from the folder in which the script runs.
      const script = join(folder, 'platformatic-kafka', 'client.mjs')
      return [join(home, 'node_modules', 'node', 'bin', 'node'), script]
    },
  },
]

/** Working directory that a client needs. */
export function workingDirectory(client: MatrixClient): string {
  return client.name === 'platformatic-kafka' ? join(clientCache, client.name) : folder
}
