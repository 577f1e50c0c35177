import { brokerConfigs } from './broker-configs.ts'
import { contradictionIn, type ValueOf } from './broker-value-rules.ts'
import { entriesByName, parseSetting } from './config-entry.ts'
import { InvalidSetting } from './config-value.ts'
import { listenerOverrideOf } from './static-config.ts'

type Settings = ReadonlyMap<string, string>

/** Dynamic settings of a broker. */
export interface DynamicSettings {
  /** Of this broker. */
  readonly own: Settings
  /** Of all brokers. */
  readonly shared: Settings
}

/** A dynamic setting that is not in force. */
export interface IgnoredSetting {
  readonly name: string
  readonly text: string
  readonly isOwn: boolean
  readonly fault: InvalidSetting
}

/**
 * The dynamic settings that cannot be in force: values that are invalid, and values that contradict others. They were
 * valid when they were set; since then server.properties or the broker has changed. Kafka ignores all settings of a
 * broker with a contradiction; here only as few as possible, since others may keep records from being deleted. valuesWith:
 * the values with given dynamic settings. Source: DynamicBrokerConfig.fromPersistentProps, updateDefaultConfig.
 */
export function ignoredSettings(
  all: DynamicSettings,
  valuesWith: (settings: DynamicSettings) => ValueOf,
): IgnoredSetting[] {
  const ignored = [...invalidIn(all.shared, false), ...invalidIn(all.own, true)]
  const faultWithout = (more: readonly IgnoredSetting[]) =>
    contradictionIn(valuesWith(without(all, [...ignored, ...more])))
  for (let fault = faultWithout([]); fault !== undefined; fault = faultWithout([])) {
    const candidates = [...candidatesIn(without(all, ignored), fault)]
    const options = [...candidates.map((each) => [each]), ...shadowed(candidates)]
    const isCause = (option: readonly IgnoredSetting[]) => faultWithout(option)?.message !== fault?.message
    const cause = options.find(isCause) ?? candidates.slice(0, 1)
    // A contradiction in server.properties ends the start earlier.
    if (cause.length === 0) break
    ignored.push(...cause)
  }
  return ignored
}

/** The dynamic settings without the ignored ones. */
export function without({ own, shared }: DynamicSettings, ignored: readonly IgnoredSetting[]): DynamicSettings {
  if (ignored.length === 0) return { own, shared }
  const kept = (settings: Settings, isOwn: boolean) =>
    new Map([...settings].filter(([name]) => !ignored.some((each) => each.name === name && each.isOwn === isOwn)))
  return { own: kept(own, true), shared: kept(shared, false) }
}

function* invalidIn(settings: Settings, isOwn: boolean): Generator<IgnoredSetting> {
  const entries = entriesByName(brokerConfigs)
  for (const [name, text] of settings) {
    const entry = entries.get(name) ?? entries.get(listenerOverrideOf(name) ?? '')
    const fault = entry === undefined ? undefined : parseSetting(entry, text)
    if (fault instanceof InvalidSetting) yield { name, text, isOwn, fault }
  }
}

function* candidatesIn({ own, shared }: DynamicSettings, fault: InvalidSetting): Generator<IgnoredSetting> {
  for (const [settings, isOwn] of [
    [shared, false],
    [own, true],
  ] as const)
    for (const [name, text] of settings) if (entriesByName(brokerConfigs).has(name)) yield { name, text, isOwn, fault }
}

/** Settings with a value of their own and one for all brokers, which would take its place. */
function shadowed(candidates: readonly IgnoredSetting[]): IgnoredSetting[][] {
  const ofName = (wanted: string) => candidates.filter(({ name }) => name === wanted)
  return candidates.filter(({ isOwn }) => isOwn).map(({ name }) => ofName(name))
}

/** Log line about a setting that is not in force, with the command that removes it. */
export function ignoredLine({ name, text, isOwn, fault }: IgnoredSetting, nodeId: number, server: string): string {
  const [where, entity] = isOwn ? [`broker ${nodeId}`, `--entity-name ${nodeId}`] : ['all brokers', '--entity-default']
  return (
    `${name}=${text}, a dynamic setting of ${where}, is not in force: ${fault.message.replace(/\.$/, '')}; other dynamic settings of ` +
    `brokers can be changed again once it is removed: kafka-configs.sh --bootstrap-server ${server} --alter ` +
    `--entity-type brokers ${entity} --delete-config ${name}`
  )
}
