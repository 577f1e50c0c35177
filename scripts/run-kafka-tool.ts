/**
 * Runs a stock tool of any version of Apache Kafka, which it downloads through Maven once: `npm run kafka-tool -- 2.8.2
 * kafka-topics --bootstrap-server localhost:9092 --list`.
 */
import { spawnSync } from 'node:child_process'
import { kafkaToolCommand } from './kafka-tool.ts'
import { stockTools } from './stock-tools.ts'

const [version, tool, ...args] = process.argv.slice(2)
if (version === undefined || tool === undefined) {
  console.error(`usage: npm run kafka-tool -- VERSION TOOL [arguments of the tool]
example: npm run kafka-tool -- 4.4.0 kafka-topics --bootstrap-server localhost:9092 --list
tools: ${Object.keys(stockTools).join(', ')}`)
  process.exit(1)
}
try {
  const [file, ...rest] = await kafkaToolCommand(version, tool, args)
  process.exitCode = spawnSync(file!, rest, { stdio: 'inherit' }).status ?? 1
} catch (error) {
  console.error((error as Error).message)
  process.exitCode = 1
}
