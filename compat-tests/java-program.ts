import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, delimiter, join } from 'node:path'
import { runCommandWell } from './run-command.ts'

/** For short programs: little memory, the quick compiler, and the JDK's classes from its archive. */
const JVM = ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xshare:auto']
const LOGGING = `-Dlog4j2.configurationFile=${join(import.meta.dirname, 'log4j2.properties')}`
/** Kept between runs: entries are named after a hash of all their inputs. */
const cache = join(tmpdir(), 'ottla-test-classes')
const compiling = new Map<string, Promise<string>>()

/**
 * Argument list that runs the program in that file (one class named like the file); append the program's arguments.
 * Kafka's classes log to its standard error stream.
 */
export async function javaProgram(file: string, classPath: string, ...jvmFlags: string[]): Promise<string[]> {
  const classes = await compiled(file, classPath)
  return ['java', ...JVM, LOGGING, ...jvmFlags, '-cp', `${classes}${delimiter}${classPath}`, basename(file, '.java')]
}

/**
 * Folder with the classes of that file. `java File.java` would compile it at each start, which takes longer than most
 * of these programs run.
 */
function compiled(file: string, classPath: string): Promise<string> {
  const key = createHash('sha256').update(readFileSync(file)).update(classPath).digest('hex').slice(0, 32)
  const known = compiling.get(key)
  if (known !== undefined) return known
  const classes = compile(file, classPath, join(cache, key))
  compiling.set(key, classes)
  return classes
}

async function compile(file: string, classPath: string, home: string): Promise<string> {
  mkdirSync(cache, { recursive: true })
  if (existsSync(home)) return home
  const fresh = mkdtempSync(`${home}-`)
  try {
    const compiler = ['javac', ...JVM.map((flag) => `-J${flag}`), '-nowarn']
    await runCommandWell([...compiler, '-cp', classPath, '-d', fresh, file])
    renameSync(fresh, home)
  } catch (error) {
    // Another process may have compiled the same file meanwhile: its classes are as good.
    if (!existsSync(home)) throw error
  } finally {
    rmSync(fresh, { recursive: true, force: true })
  }
  return home
}
