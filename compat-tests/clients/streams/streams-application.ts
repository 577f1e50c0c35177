import { join } from 'node:path'
import { DescribeGroups } from '../../../protocol/apis/describe-groups.ts'
import { JoinGroup } from '../../../protocol/apis/join-group.ts'
import { kafkaToolCommand } from '../../../scripts/kafka-tool.ts'
import { mavenJars } from '../../../scripts/maven-jars.ts'
import { javaProgram } from '../../java-program.ts'
import { LongProgram } from '../../long-program.ts'
import { RawClient } from '../../raw-client.ts'
import { runCommandWell } from '../../run-command.ts'
import { waitFor } from '../../wait-for.ts'

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

/**
 * Waits until the sessions of all members have ended: an application does not leave when it closes, and the tool fails
 * if a member that it has found is gone when it removes it.
 */
export async function membersAreGone(port: number, groupId: string): Promise<void> {
  const client = await RawClient.connect(port)
  try {
    await waitFor('the members are gone', async () => {
      const { groups } = await client.send(DescribeGroups, 5, { groups: [groupId], includeAuthorizedOperations: false })
      return groups[0]?.members.length === 0
    })
  } finally {
    client.close()
  }
}

/** Joins as a member that outlives the reset and, but for that, never leaves. */
export async function joinForLong(port: number, groupId: string): Promise<void> {
  const client = await RawClient.connect(port)
  try {
    const { errorCode } = await client.send(JoinGroup, 0, {
      groupId,
      sessionTimeoutMs: 300_000,
      memberId: '',
      protocolType: 'consumer',
      protocols: [{ name: 'stream', metadata: Buffer.alloc(0) }],
    })
    if (errorCode !== 0) throw new Error(`not joined: error ${errorCode}`)
  } finally {
    client.close()
  }
}

/** Runs kafka-streams-application-reset, which removes members, and deletes internal topics and offsets. Gives its output. */
export async function resetApplication(
  bootstrap: string,
  id: string,
  ...inputTopics: readonly string[]
): Promise<string> {
  const args = ['--bootstrap-server', bootstrap, '--application-id', id, '--input-topics', inputTopics.join(',')]
  const command = await kafkaToolCommand(VERSION, 'kafka-streams-application-reset', [...args, '--force'])
  return (await runCommandWell(command)).stdout
}
