import { join } from 'node:path'
import { mavenJars } from '../../../scripts/maven-jars.ts'
import { javaProgram } from '../../java-program.ts'
import type { Requirement } from '../../requirements.ts'
import { jvmProgram } from '../jvm/jvm-program.ts'
import { matrixClients } from '../matrix/matrix-client.ts'

/** A client whose program is described at CopyProcess. */
export interface CopyClient {
  readonly name: string
  readonly requirements: readonly Requirement[]
  /** Error of a producer that another one with its transactional id has replaced. */
  readonly fencedBy: RegExp
  /** Its transactions go with the group's generation (KIP-447): only then may two members of one group copy. */
  readonly sendsGeneration: boolean
  /** Arguments that make its consumers use the consumer protocol (KIP-848). */
  readonly consumerProtocol?: readonly string[]
  /** It may stop without an error, whatever its timeouts: see its FINDINGS.md. Then it is killed and started again. */
  readonly mayHang?: boolean
  /** Argument list before the verb. Installs what is missing. */
  command(): Promise<string[]>
}

type Traits = Omit<CopyClient, 'name' | 'requirements' | 'command'>

const SPRING_VERSION = '4.1.2'
const CONSUMER_PROTOCOL = ['group.protocol=consumer']

/** A verb of the program in clients/matrix. */
function ofMatrix(name: string, rest: Traits): CopyClient {
  const { requirements, command } = matrixClients.find((each) => each.name === name)!
  return { name, requirements, command, ...rest }
}

function jvm(version: string, rest: Traits): CopyClient {
  const command = () => jvmProgram('Transactions.java', version)
  return { name: `jvm ${version}`, requirements: ['java', 'maven'], command, ...rest }
}

const spring: CopyClient = {
  name: 'spring-kafka',
  requirements: ['java', 'maven'],
  fencedBy: /^FENCED$/,
  sendsGeneration: true,
  command: async () => {
    const jars = await mavenJars(`spring-kafka-${SPRING_VERSION}`, [
      { group: 'org.springframework.kafka', name: 'spring-kafka', version: SPRING_VERSION },
      // It logs what goes wrong, and goes on.
      { group: 'org.slf4j', name: 'slf4j-simple', version: '1.7.36' },
    ])
    const flags = ['-Xmx256m', '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn']
    return javaProgram(join(import.meta.dirname, '../spring/Transactions.java'), join(jars, '*'), ...flags)
  },
}

export const copyClients: readonly CopyClient[] = [
  jvm('1.1.1', { fencedBy: /^ProducerFencedException$/, sendsGeneration: false }),
  jvm('2.8.2', { fencedBy: /^ProducerFencedException$/, sendsGeneration: true }),
  jvm('3.9.2', { fencedBy: /^ProducerFencedException$/, sendsGeneration: true }),
  jvm('4.4.0', { fencedBy: /^ProducerFencedException$/, sendsGeneration: true, consumerProtocol: CONSUMER_PROTOCOL }),
  {
    name: 'kafkajs',
    requirements: [],
    fencedBy: /^(INVALID_PRODUCER_EPOCH|PRODUCER_FENCED)$/,
    sendsGeneration: false,
    command: async () => [process.execPath, '--import', 'tsx', join(import.meta.dirname, '../kafkajs/transactions.ts')],
  },
  ofMatrix('confluent-kafka', {
    fencedBy: /^_FENCED$/,
    sendsGeneration: true,
    consumerProtocol: CONSUMER_PROTOCOL,
    mayHang: true,
  }),
  ofMatrix('franz-go', {
    fencedBy: /PRODUCER_FENCED|INVALID_PRODUCER_EPOCH/,
    sendsGeneration: true,
    consumerProtocol: CONSUMER_PROTOCOL,
  }),
  // It has no name for PRODUCER_FENCED.
  ofMatrix('sarama', { fencedBy: /fenced|epoch|Error code = 90/i, sendsGeneration: true }),
  ofMatrix('kafka-python', { fencedBy: /^ProducerFencedError$/, sendsGeneration: true, mayHang: true }),
  ofMatrix('aiokafka', { fencedBy: /^ProducerFenced$/, sendsGeneration: false }),
  spring,
]
