import { join } from 'node:path'
import { jvmProgram } from '../clients/jvm/jvm-program.ts'
import { matrixClients } from '../clients/matrix/matrix-client.ts'
import type { Requirement } from '../requirements.ts'

/** A client whose program is described at ClientProcess. */
export interface MovingClient {
  readonly name: string
  readonly requirements: readonly Requirement[]
  /** Group protocols that it has. */
  readonly protocols: readonly ('classic' | 'consumer')[]
  /** Argument list before those of ClientProcess. Installs what is missing. */
  command(): Promise<string[]>
}

const both = ['classic', 'consumer'] as const

/** A verb of the program in clients/matrix. */
function ofMatrix(name: string, protocols: MovingClient['protocols']): MovingClient {
  const client = matrixClients.find((each) => each.name === name)!
  const command = async () => [...(await client.command()), 'moving_leaders']
  return { name, requirements: client.requirements, protocols, command }
}

export const movingClients: readonly MovingClient[] = [
  {
    name: 'jvm',
    requirements: ['java', 'maven'],
    protocols: both,
    command: () => jvmProgram('MovingLeaders.java', '4.4.0'),
  },
  {
    name: 'kafkajs',
    requirements: [],
    protocols: ['classic'],
    command: async () => [
      process.execPath,
      '--import',
      'tsx',
      join(import.meta.dirname, '../clients/kafkajs/moving-leaders.ts'),
    ],
  },
  ofMatrix('confluent-kafka', both),
  ofMatrix('franz-go', both),
  ofMatrix('sarama', ['classic']),
]
