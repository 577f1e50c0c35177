import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { readJar } from './jar-file.ts'

/** The compared parts of a message definition in Kafka's JSON. */
export interface Definition {
  readonly name: string
  readonly type: string
  readonly apiKey?: number
  /** Absent or 'none' if Kafka has dropped the message. */
  readonly validVersions: string
  readonly flexibleVersions?: string
  readonly listeners?: readonly string[]
  readonly fields?: readonly DefinedField[]
  readonly commonStructs?: readonly DefinedStruct[]
}

export interface DefinedStruct {
  readonly name: string
  readonly fields: readonly DefinedField[]
}

export interface DefinedField {
  readonly name: string
  readonly type: string
  /** Absent: the versions in which it is tagged, otherwise all. */
  readonly versions?: string
  readonly nullableVersions?: string
  readonly taggedVersions?: string
  readonly tag?: number | string
  readonly default?: string | number | boolean | null
  readonly ignorable?: boolean | string
  readonly mapKey?: boolean | string
  readonly entityType?: string
  readonly fields?: readonly DefinedField[]
}

/** Every definition in the jars of one version of Kafka, by name. */
export function kafkaDefinitions(jarDirectory: string): Map<string, Definition> {
  const definitions = new Map<string, Definition>()
  for (const jar of readdirSync(jarDirectory).filter((name) => /^kafka-.*\.jar$/.test(name))) {
    for (const [path, text] of readJar(join(jarDirectory, jar), /(^|\/)(message|metadata)\/\w+\.json$/)) {
      const definition = parse(path, text)
      definitions.set(definition.name, definition)
    }
  }
  return definitions
}

// Kafka's files are JSON with comments, always on separate lines.
function parse(path: string, text: string): Definition {
  try {
    return JSON.parse(text.replaceAll(/^\s*\/\/.*$/gm, '')) as Definition
  } catch (error) {
    throw new Error(`${path} is not what Kafka's definitions look like`, { cause: error })
  }
}
