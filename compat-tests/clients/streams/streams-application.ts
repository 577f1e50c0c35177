import { join } from 'node:path'
import { kafkaToolCommand } from '../../../scripts/kafka-tool.ts'
import { mavenJars } from '../../../scripts/maven-jars.ts'
import { javaProgram } from '../../java-program.ts'
import { LongProgram } from '../../long-program.ts'
import { runCommandWell } from '../../run-command.ts'

const VERSION = '4.4.0'

/** Starts an application of this folder, which keeps its stores in the other one. It prints its states. */
export async function startApplication(file: string, bootstrap: string, stateFolder: string): Promise<LongProgram> {
  const artifact = { group: 'org.apache.kafka', name: 'kafka-streams', version: VERSION }
  const jars = await mavenJars(`streams-${VERSION}`, [artifact])
  const program = await javaProgram(join(import.meta.dirname, file), join(jars, '*'), '-Xmx256m')
  return new LongProgram([...program, bootstrap, stateFolder])
}

export function isRunning(output: string): boolean {
  return output.includes('RUNNING')
}

/** Runs kafka-streams-application-reset, which deletes internal topics and offsets. */
export async function resetApplication(
  bootstrap: string,
  id: string,
  ...inputTopics: readonly string[]
): Promise<void> {
  const args = ['--bootstrap-server', bootstrap, '--application-id', id, '--input-topics', inputTopics.join(',')]
  await runCommandWell(await kafkaToolCommand(VERSION, 'kafka-streams-application-reset', [...args, '--force']))
}
