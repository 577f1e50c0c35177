import { jvmProgram } from '../clients/jvm/jvm-program.ts'
import { matrixClients } from '../clients/matrix/matrix-client.ts'
import type { Requirement } from '../requirements.ts'

/** A client whose program is described at HistoryProcess in history-process.ts. */
export interface HistoryClient {
  readonly name: string
  readonly requirements: readonly Requirement[]
  /** Argument list before the verb. Installs what is missing. */
  command(): Promise<string[]>
}

function jvm(version: string): HistoryClient {
  const command = () => jvmProgram('Histories.java', version)
  return { name: `jvm ${version}`, requirements: ['java', 'maven'], command }
}

/** A verb of the program in clients/matrix. */
function ofMatrix(name: string): HistoryClient {
  const { requirements, command } = matrixClients.find((each) => each.name === name)!
  return { name, requirements, command }
}

export const historyClients: readonly HistoryClient[] = [
  jvm('4.4.0'),
  jvm('2.8.2'),
  ofMatrix('confluent-kafka'),
  ofMatrix('franz-go'),
  ofMatrix('kafka-python'),
]
