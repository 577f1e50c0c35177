import { listed } from './listed.ts'
import type { Listeners } from './listeners.ts'
import { brokerEntry, listenerOverrideOf } from './static-config.ts'

/** Supported settings that a listener can override. Source: SocketServer.LISTENER_RECONFIGURABLE_CONFIGS. */
const perListener: ReadonlySet<string> = new Set(['max.connections', 'max.connection.creation.rate'])

/** One line for each `listener.name.x.y` without effect: listener x does not exist, or y applies to all listeners. */
export function warningsAboutOverrides(names: Iterable<string>, { listening, controller }: Listeners): string[] {
  const known = [...listening, ...controller].map(({ name }) => name)
  return [...names].flatMap((name) => {
    const base = listenerOverrideOf(name)
    const entry = brokerEntry(name)
    if (base === undefined || entry === undefined) return []
    const listener = (name.split('.')[2] as string).toUpperCase()
    if (!known.includes(listener))
      return [`${name} has no effect: listeners does not contain ${listener}, only ${listed(known)}`]
    if (entry.withoutEffect !== undefined || perListener.has(base)) return []
    return [`${name} has no effect: ${base} applies to all listeners`]
  })
}
