import { kafkaToolCommand } from '../scripts/kafka-tool.ts'
import { type CommandOptions, type CommandResult, runCommand } from './run-command.ts'

/** Runs a stock tool of that version of Apache Kafka to its end. */
export async function runKafkaTool(
  version: string,
  tool: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  return runCommand(await kafkaToolCommand(version, tool, args), options)
}
