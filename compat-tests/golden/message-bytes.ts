import { join } from 'node:path'
import { kafkaClassPath } from '../../scripts/kafka-tool.ts'
import { javaProgram } from '../java-program.ts'
import { runCommandWell } from '../run-command.ts'

const PROGRAM = join(import.meta.dirname, 'MessageBytes.java')

/** Seed of all random messages, here and in Java. */
export const SEED = Number(process.env.GOLDEN_SEED ?? 20_260_101)

/** Runs MessageBytes.java with the classes of that version of Kafka; returns its output. */
export async function messageBytes(version: string, ...args: string[]): Promise<string> {
  const command = await javaProgram(PROGRAM, await kafkaClassPath(version), '-Xmx1g')
  return (await runCommandWell([...command, ...args])).stdout
}
