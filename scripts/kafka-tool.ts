/** Apache Kafka with its tools, downloaded through Maven once per version, and the commands that run its tools. */
import { readdirSync, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { type Artifact, mavenJars } from './maven-jars.ts'
import { artifactsOf, type ExtraJars, stockTools } from './stock-tools.ts'

/** Folder with the jars of that version's core and tools; downloads them if they are missing. */
export function kafkaJars(version: string): Promise<string> {
  const logging = version.startsWith('4.')
    ? { group: 'org.apache.logging.log4j', name: 'log4j-slf4j-impl', version: '2.25.4' }
    : { group: 'org.slf4j', name: 'slf4j-nop', version: '1.7.36' }
  const own = [`kafka_${scalaVersion(version)}`, 'kafka-tools'].map((name) => kafkaArtifact(name, version))
  return mavenJars(version, [...own, logging])
}

// Scala version for which that Kafka version was built.
function scalaVersion(version: string): string {
  if (version.startsWith('0.9')) return '2.11'
  return /^(0\.1[01]|1\.)/.test(version) ? '2.12' : '2.13'
}

function kafkaArtifact(name: string, version: string): Artifact {
  return { group: 'org.apache.kafka', name, version }
}

/** Name of the folder of extra jars of that version, or undefined if its tools need none. */
export function extraJarsName(version: string, extra: ExtraJars | undefined): string | undefined {
  return extra !== undefined && artifactsOf(extra, version).length > 0 ? `${version}-${extra}` : undefined
}

/** Paths of the extra jars of that version that the core and the tools do not bring along. */
export async function extraJars(version: string, extra: ExtraJars | undefined): Promise<string[]> {
  const name = extraJarsName(version, extra)
  if (extra === undefined || name === undefined) return []
  const own = new Set(readdirSync(await kafkaJars(version)))
  const directory = await mavenJars(
    name,
    artifactsOf(extra, version).map((each) => kafkaArtifact(each, version)),
  )
  return readdirSync(directory)
    .filter((jar) => !own.has(jar))
    .map((jar) => join(directory, jar))
}

/** Class path of that version for java's -cp. */
export async function kafkaClassPath(version: string): Promise<string> {
  return join(await kafkaJars(version), '*')
}

/** The first of these classes that is in the jars of that version, or undefined. */
export async function firstClass(
  version: string,
  classes: readonly string[],
  extra?: ExtraJars,
): Promise<string | undefined> {
  const directory = await kafkaJars(version)
  const all = [...readdirSync(directory).map((name) => join(directory, name)), ...(await extraJars(version, extra))]
  const own = all.filter((path) => /[/\\](kafka|connect|trogdor|zookeeper)[_-][^/\\]*\.jar$/.test(path))
  const contents = own.map((path) => readFileSync(path))
  return classes.find((name) => contents.some((jar) => holdsFile(jar, `${name.replaceAll('.', '/')}.class`)))
}

// A jar's table of contents holds its names as plain text. kafka/tools/X.class is also the end of a longer name.
function holdsFile(jar: Buffer, path: string): boolean {
  for (let at = jar.indexOf(path); at >= 0; at = jar.indexOf(path, at + 1)) if (jar[at - 1] !== SLASH) return true
  return false
}
const SLASH = 0x2f

/** Main class of a tool in that version. */
export async function mainClass(version: string, tool: string): Promise<string> {
  const known = stockTools[tool]
  if (known === undefined) throw new Error(`no tool is called ${tool}; known: ${Object.keys(stockTools).join(', ')}`)
  const found = await firstClass(version, known.classes, known.extra)
  if (found !== undefined) return found
  throw new Error(`the jars of Apache Kafka ${version} do not contain ${tool}`)
}

/** Fast start and little memory: a tool runs for seconds. */
const jvmFlags = ['-Xms64m', '-Xmx512m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xshare:auto']

/** Argument list that runs a tool of that version. */
export async function kafkaToolCommand(version: string, tool: string, args: readonly string[]): Promise<string[]> {
  const main = await mainClass(version, tool)
  const classPath = [await kafkaClassPath(version), ...(await extraJars(version, stockTools[tool]?.extra))]
  return ['java', ...jvmFlags, '-cp', classPath.join(delimiter), main, ...args]
}
