/*
 * Warnings about a name in server.properties that has no entry: its replacement, the broker setting that corresponds to
 * a topic's or group's setting, or the name that was probably meant.
 */
import { brokerConfigs } from './broker-configs.ts'
import { type ConfigEntry, entriesByName } from './config-entry.ts'
import { groupConfigs } from './group-configs.ts'
import { retiredSetting } from './retired-settings.ts'
import { topicConfigs } from './topic-configs.ts'
import { authorizerSettings } from './without-effect.ts'

/** Prefixes of plug-ins' settings. */
const pluginPrefixes = ['rlmm.config.', 'rsm.config.', 'config.providers.', 'metrics.', 'client.quota.callback.']

/** Setting without an entry, because Kafka 4.4 has none, that start-settings.ts reads. */
const USED_ELSEWHERE = 'zookeeper.connect'

/** Maximum edits between a misspelling and the name that was meant. */
const TYPING_ERRORS = 2

/** One line for the log; undefined for a plug-in's setting, about which nothing is known. */
export function warningAboutUnknown(name: string): string | undefined {
  if (name === USED_ELSEWHERE) return undefined
  const successor = retiredSetting(name)
  if (successor !== undefined) return `setting ${name} is no longer in use: ${successor}`
  if (name in authorizerSettings || pluginPrefixes.some((prefix) => name.startsWith(prefix))) return undefined
  return `unknown setting ${name} is ignored${hint(name)}`
}

function hint(name: string): string {
  const ofTopics = entriesByName(topicConfigs).get(name)
  if (ofTopics !== undefined) return elsewhere(ofTopics, 'topic', 'topics')
  const ofGroups = entriesByName(groupConfigs).get(name)
  if (ofGroups !== undefined) return elsewhere(ofGroups, 'group', 'groups')
  const meant = nearestSetting(name)
  return meant === undefined ? '' : `: did you mean ${meant}?`
}

function elsewhere({ fallbacks }: ConfigEntry, one: string, many: string): string {
  const [first] = fallbacks
  if (first !== undefined) return `: it is a setting of a single ${one}; for all ${many}, set ${first.name}`
  return `: it is a setting of a single ${one}; set it with kafka-configs --entity-type ${many}`
}

/** The broker setting with the nearest name; undefined if none is near enough. */
function nearestSetting(name: string): string | undefined {
  const names = [...entriesByName(brokerConfigs).values()]
    .filter(({ shown }) => shown !== 'never')
    .map((each) => each.name)
  const plain = lettersOf(name)
  const sameLetters = names.find((each) => [plain, `log${plain}`].includes(lettersOf(each)))
  if (sameLetters !== undefined) return sameLetters
  let [nearest, distance]: [string | undefined, number] = [undefined, TYPING_ERRORS + 1]
  for (const each of names) {
    if (Math.abs(each.length - name.length) >= distance) continue
    const edits = editsBetween(name, each)
    if (edits < distance) [nearest, distance] = [each, edits]
  }
  return nearest
}

/** log.retention.hours, LOG_RETENTION_HOURS and logRetentionHours are the same. */
function lettersOf(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '')
}

/** Number of letters to insert, remove or replace to turn one text into the other (Levenshtein). */
function editsBetween(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, (row[j] as number) + 1, (next[j - 1] as number) + 1))
    }
    row = next
  }
  return row[b.length] as number
}
