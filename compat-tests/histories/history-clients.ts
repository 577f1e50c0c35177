import { jvmProgram } from '../clients/jvm/jvm-program.ts'
import { matrixClients } from '../clients/matrix/matrix-client.ts'
import type { Requirement } from '../requirements.ts'

/** A line of the program's input: a transaction. */
export interface HistoryTransaction {
  /** What it does, in this order. */
  readonly ops: readonly HistoryOperation[]
  readonly end: 'commit' | 'abort'
}

export type HistoryOperation =
  /** Sends a record without a key, and does not wait. Its value has digits only. */
  | { readonly send: { readonly partition: number; readonly value: string } }
  /** Asks the consumer for so many records at most. Waits 200 ms or so for the first. */
  | { readonly poll: number }

/** A line that the program prints. */
export interface HistoryAnswer {
  /**
   * ready: its producer has its epoch. committed, aborted: the client ended the transaction so, and said that it
   * succeeded. unknown: it may have ended either way; the program ends. failed: an error outside of a transaction, or of
   * the consumer; the program ends.
   */
  readonly did: 'ready' | 'committed' | 'aborted' | 'unknown' | 'failed'
  /** Those that were begun, in order. */
  readonly ops?: readonly HistoryResult[]
  /** Name of the error, also of one after which the transaction was aborted; franz-go has messages. */
  readonly error?: string
}

export type HistoryResult =
  /** offset: as the client was told, if it was. */
  | { readonly sent: { readonly partition: number; readonly value: string; readonly offset?: number } }
  | { readonly polled: readonly { readonly partition: number; readonly offset: number; readonly value: string }[] }

/**
 * A program with a stock client that does transactions as it is told:
 *
 *   PROGRAM history BOOTSTRAP TOPIC PARTITIONS TRANSACTIONAL_ID TRANSACTION_TIMEOUT_MS
 *
 * BOOTSTRAP may name several brokers. Its consumer reads what is committed in partitions 0 to PARTITIONS-1 of TOPIC, from
 * offset 0, outside of any group. The consumer's position only moves forward, whatever becomes of the transaction in which
 * it reads.
 *
 * Once its producer has its epoch it prints the HistoryAnswer `ready`, as JSON in a line. From then on it reads
 * HistoryTransactions, as JSON a line, with the fields in the order in which they are declared, and answers each with one
 * line. Before the end of a transaction it waits for the records that it sent. It aborts a transaction that should be
 * committed after an error for which the client's documentation says so. Errors that the client calls retriable are tried
 * again, for a minute; nothing waits without end. At the end of its input it exits at once with code 0, and with code 1
 * after `unknown` and `failed`. Diagnostics go to its standard error stream.
 */
export interface HistoryProcess {
  /** In a line of its input. */
  readonly transaction: HistoryTransaction
  /** In a line of its output. */
  readonly answer: HistoryAnswer
}

/** A client whose program is described at HistoryProcess. */
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
