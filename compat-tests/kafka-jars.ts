import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { kafkaClassPath } from './kafka-tool.ts'

/**
 * Folder with the jars of a version of Apache Kafka. Where they cannot be had, the calling test is skipped and says so;
 * in CI that is a failure.
 */
export async function kafkaJarsOrSkip(test: Mocha.Context, version: string): Promise<string> {
  const directory = dirname(await kafkaClassPath(version))
  if (existsSync(directory)) return directory
  const message = `no jars of Apache Kafka ${version} in ${directory}`
  if (process.env.CI === 'true') throw new Error(message)
  console.warn(`skipped: ${message}`)
  return test.skip()
}
