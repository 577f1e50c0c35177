import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { logConfigs } from './broker/log-configs.ts'
import type { ConfigEntry, ConfigTable } from './config-entry.ts'
import { topicConfigs } from './topic-configs.ts'

const ROOT = join(import.meta.dirname, '..', '..')

/** All of the broker's code but the declarations of settings and the tests. */
function codeOf(directory: string): string {
  return readdirSync(join(ROOT, directory), { withFileTypes: true, recursive: true })
    .filter((each) => each.isFile() && /(?<!\.test|\.fixture|-configs)\.ts$/.test(each.name))
    .map((each) => readFileSync(join(each.parentPath, each.name), 'utf8'))
    .join('\n')
}

/** What a setting without effect has to say of itself. */
const EXCUSE = /Taken for compatibility|not applied/

describe('settings of logs', () => {
  const code = codeOf('src') + codeOf('storage')
  const isRead = (property: string): boolean => new RegExp(`\\b${property}\\b`).test(code)
  const topicEntries = Object.entries(topicConfigs as ConfigTable)
  const fallsBackTo = new Map(topicEntries.flatMap(([, entry]) => entry.fallbacks.map(({ name }) => [name, entry])))

  const check = (property: string, entry: ConfigEntry): void => {
    // A broker setting that is one for topics without their own works through that.
    const works = isRead(property) || fallsBackTo.has(entry.name)
    if (!works) expect(entry.doc, `${entry.name} is read nowhere`).to.match(EXCUSE)
    else if (isRead(property)) expect(entry.doc, `${entry.name} is read`).not.to.match(EXCUSE)
  }

  it('all do something, or say that they do nothing', () => {
    for (const [property, entry] of topicEntries) check(property, entry)
    for (const [property, entry] of Object.entries(logConfigs as ConfigTable)) check(property, entry)
  })
})
