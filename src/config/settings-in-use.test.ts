import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { brokerConfigs } from './broker-configs.ts'
import { clientMetricsConfigs } from './client-metrics-rules.ts'
import type { ConfigEntry, ConfigTable } from './config-entry.ts'
import { groupConfigs } from './group-configs.ts'
import { topicConfigs } from './topic-configs.ts'

const ROOT = join(import.meta.dirname, '..', '..')

/** Files of src/config that act on settings. The others only declare, describe or check them. */
const ACTS = /(start-settings|cluster-of-one|config-store|listeners)\.ts$/

/** Words of the code without comments, tests, and code that only declares, checks or describes settings. */
function wordsOf(files: readonly string[]): ReadonlySet<string> {
  const code = files
    .map((file) => readFileSync(file, 'utf8'))
    .join('\n')
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/^\s*\/\/.*$/gm, '')
    // An interface member only requests a setting. The code that reads it must appear elsewhere.
    .replace(/^\s*readonly \w+\??: .*$/gm, '')
  return new Set(code.match(/\w+/g))
}

const productFiles = ['src', 'storage']
  .flatMap((directory) => readdirSync(join(ROOT, directory), { withFileTypes: true, recursive: true }))
  .filter((each) => each.isFile() && /(?<!\.test|\.fixture|\.conformance|-configs)\.ts$/.test(each.name))
  .filter((each) => !each.parentPath.endsWith('config') || ACTS.test(each.name))
  .map((each) => join(each.parentPath, each.name))

const words = wordsOf(productFiles)
/** Bounds that a group's settings are checked against: the broker settings here have an effect. */
const bounds = wordsOf([join(import.meta.dirname, 'group-config-rules.ts')])

const tables: readonly ConfigTable[] = [brokerConfigs, topicConfigs, groupConfigs, clientMetricsConfigs]

/** Broker settings that take effect through a topic's or group's setting that falls back to them. */
const reachedByFallback = new Set(
  [...Object.entries<ConfigEntry>(topicConfigs), ...Object.entries<ConfigEntry>(groupConfigs)]
    .filter(([property, entry]) => words.has(property) && entry.withoutEffect === undefined)
    .flatMap(([, entry]) => entry.fallbacks.map(({ name }) => name)),
)

const isRead = (table: ConfigTable, property: string, { name }: ConfigEntry): boolean =>
  words.has(property) || (table === brokerConfigs && (bounds.has(property) || reachedByFallback.has(name)))

describe('every setting', () => {
  for (const table of tables)
    for (const [property, entry] of Object.entries(table))
      it(`${entry.name} is read, or its entry says that it is without effect`, () => {
        expect(isRead(table, property, entry), `${property} is read`).to.equal(entry.withoutEffect === undefined)
      })

  it('leaves it to its entry to say that it is without effect', () => {
    for (const table of tables)
      for (const { doc, name } of Object.values(table))
        expect(doc, name).not.to.match(/compatib|not applied|not loaded|in Kafka\./i)
  })
})
