/**
 * Prepares a stock tool for bin/run-tool.sh: fetches its jars and writes down how to run it, so that the next run needs
 * no Node.js. Built into dist/, because it must run where nothing but the package is installed.
 */
import { mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { extraJars, extraJarsName, firstClass, kafkaJars } from './kafka-tool.ts'
import { isFetched, jarsDirectory } from './maven-jars.ts'
import { isOlder, type StockTool, stockTools, toolOfClass } from './stock-tools.ts'

/** Versions to look in for a tool that the wanted one does not have, the newest first. */
const OTHERS = ['4.4.0', '2.8.2', '1.1.1']

/**
 * Writes `launch/TOOL` into the folder of the wanted version: a line with the main class, one with the class path. The
 * tool is the name of a script, or a class. If that version does not have it, the newest that does is used.
 */
async function prepareTool(wanted: string, name: string): Promise<void> {
  const tool = name.includes('.') ? toolOfClass(name) : stockTools[name]
  if (tool === undefined || !/^[\w.$-]+$/.test(name)) throw new Error(`no tool is called ${name}`)
  const { version, main } = await find(wanted, name, tool)
  if (version !== wanted) say(`Maven has no ${name} of Apache Kafka ${wanted}; that of ${version} is used`)
  const folder = join(jarsDirectory, wanted, 'launch')
  mkdirSync(folder, { recursive: true })
  // Another process may read the file at this moment.
  const fresh = join(folder, `.${name}-${process.pid}`)
  writeFileSync(fresh, `${main}\n${await classPath(version, tool)}\n`)
  renameSync(fresh, join(folder, name))
}

async function find(wanted: string, name: string, tool: StockTool): Promise<{ version: string; main: string }> {
  const { until } = tool
  const bounded = (version: string) => (until !== undefined && isOlder(until, version) ? until : version)
  for (const version of new Set([wanted, ...(tool.isUnknown ? [] : OTHERS)].map(bounded))) {
    await fetch(version, tool)
    const main = await firstClass(version, tool.classes, tool.extra)
    if (main !== undefined) return { version, main }
  }
  if (!tool.isUnknown) throw new Error(`Apache Kafka ${wanted} does not have ${name}`)
  return { version: wanted, main: name } // java says that it does not find it
}

async function fetch(version: string, { extra }: StockTool): Promise<void> {
  const names = [version, extraJarsName(version, extra)].filter((name) => name !== undefined)
  if (names.every(isFetched)) return
  say(`fetching the tools of Apache Kafka ${version} through Maven, once ...`)
  await kafkaJars(version)
  await extraJars(version, extra)
}

async function classPath(version: string, tool: StockTool): Promise<string> {
  const directory = await kafkaJars(version)
  const jars = readdirSync(directory)
  // Older versions bring a logger along. The tests do without; a user wants to see that no broker answers.
  const hasLogger = jars.some((jar) => /^slf4j-(log4j12|reload4j)-/.test(jar))
  const used = jars.filter((jar) => !(hasLogger && jar.startsWith('slf4j-nop-'))).map((jar) => join(directory, jar))
  return [...used, ...(await extraJars(version, tool.extra))].join(delimiter)
}

function say(text: string): void {
  process.stderr.write(`ottla: ${text}\n`)
}

prepareTool(process.argv[2] ?? '', process.argv[3] ?? '').catch((error: Error) => {
  say(error.message)
  process.exitCode = 1
})
