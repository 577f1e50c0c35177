/** Downloads jars and what they need through Maven, once, into a folder that stays. */
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { exclusively } from './exclusively.ts'

/** Folder of everything that was fetched: KAFKA_JARS, or a persistent one in the system's temporary directory. */
export const jarsDirectory = process.env.KAFKA_JARS ?? join(tmpdir(), 'jars')

/** A jar on Maven. */
export interface Artifact {
  readonly group: string
  readonly name: string
  readonly version: string
}

/** True if the jars of that name need no download. */
export function isFetched(name: string): boolean {
  return existsSync(join(jarsDirectory, name, 'ok'))
}

/**
 * Folder with these artifacts and their dependencies; downloads them if no folder of that name is complete. Two processes
 * may ask at once. Rejects with one line if Maven is missing or fails.
 */
export async function mavenJars(name: string, artifacts: readonly Artifact[]): Promise<string> {
  const home = join(jarsDirectory, name)
  // Maven does not guard the repository in which it keeps what it downloads.
  if (!isFetched(name)) await exclusively('maven', () => fetchJars(name, home, artifacts))
  return join(home, 'lib')
}

async function fetchJars(name: string, home: string, artifacts: readonly Artifact[]): Promise<void> {
  if (isFetched(name)) return
  mkdirSync(jarsDirectory, { recursive: true })
  const fresh = mkdtempSync(join(jarsDirectory, `${name}-`))
  try {
    await copyDependencies(name, fresh, artifacts)
    writeFileSync(join(fresh, 'ok'), '')
    putInPlace(fresh, home)
  } finally {
    rmSync(fresh, { recursive: true, force: true })
  }
}

// The first process wins: its jars may already be in use. A folder without `ok` is incomplete.
function putInPlace(fresh: string, home: string): void {
  while (!existsSync(join(home, 'ok'))) {
    try {
      renameSync(fresh, home)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code !== 'ENOTEMPTY' && code !== 'EEXIST' && code !== 'EPERM') throw error
      if (!existsSync(join(home, 'ok'))) renameSync(home, `${fresh}-stale`)
      rmSync(`${fresh}-stale`, { recursive: true, force: true })
    }
  }
}

async function copyDependencies(name: string, directory: string, artifacts: readonly Artifact[]): Promise<void> {
  const project = `<project><modelVersion>4.0.0</modelVersion><groupId>ottla</groupId><artifactId>jars</artifactId>
<version>1</version><dependencies>${artifacts.map(dependency).join('')}</dependencies></project>`
  writeFileSync(join(directory, 'pom.xml'), project)
  const quiet = ['-q', '-B', '-Dstyle.color=never']
  const copy = ['dependency:copy-dependencies', '-DoutputDirectory=lib', '-DincludeScope=runtime']
  try {
    await promisify(execFile)('mvn', [...quiet, ...copy], { cwd: directory, maxBuffer: 64 << 20 })
  } catch (error) {
    const { code, stdout } = error as { code: unknown; stdout: string }
    const missing = 'Maven (mvn) is missing: on Debian, apt-get install maven'
    const why = code === 'ENOENT' ? missing : stdout.trim().split('\n', 1)[0]
    throw new Error(`cannot fetch Apache Kafka ${name}: ${why}`)
  }
}

function dependency({ group, name, version }: Artifact): string {
  return `<dependency><groupId>${group}</groupId><artifactId>${name}</artifactId><version>${version}</version></dependency>`
}
