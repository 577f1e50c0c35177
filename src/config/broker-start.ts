import { resolve } from 'node:path'
import { halfANode, settingsOfOthers, warningAboutReplicas } from './cluster-of-one.ts'
import { ConfigStore } from './config-store.ts'
import { InvalidSetting } from './config-value.ts'
import { type Environment, warningAboutEnvironment } from './environment-hints.ts'
import { warningsAboutOverrides } from './listener-overrides.ts'
import { type Listeners, readListeners } from './listeners.ts'
import { StartError } from './start-error.ts'
import { unresolvedValue, unsafeStart, warningsAboutEffect } from './start-notes.ts'
import { readStaticConfig, type StaticConfig } from './static-config.ts'

/** Everything that must be known of the settings before a broker can start. */
export interface BrokerStartSettings {
  readonly static: StaticConfig
  readonly listeners: Listeners
  /** log.dirs, absolute. */
  readonly logDirectories: readonly string[]
  /** metadata.log.dir, absolute: the first of log.dirs unless it is set. */
  readonly metadataDirectory: string
  /** Set by hand; undefined: taken from disk, or made. */
  readonly clusterId: string | undefined
  readonly nodeId: number | undefined
  /** One line each, for the log. */
  readonly warnings: readonly string[]
}

/** What the machine knows that settings are held against. */
export interface Machine {
  /** Its own name. */
  readonly hostName?: string | undefined
  readonly environment?: Environment
}

/** Checks the settings of server.properties and overrides. Throws StartError on the first bad one. */
export function brokerSettingsOf(
  properties: ReadonlyMap<string, string>,
  { hostName, environment = {} }: Machine = {},
): BrokerStartSettings {
  const staticConfig = valid(readStaticConfig(properties))
  const { broker } = new ConfigStore(staticConfig, 1)
  refuse(unsafeStart(staticConfig))
  refuse(unresolvedValue(staticConfig))
  refuse(halfANode(broker.processRoles))
  const listeners = valid(readListeners(broker))
  const nodeId = staticConfig.values.get('node.id')?.value as number | undefined
  refuse(settingsOfOthers(broker, { nodeId, listeners, hostName }))
  const logDirectories = (broker.logDirs ?? broker.logDir).map((directory) => resolve(directory))
  return {
    static: staticConfig,
    listeners,
    logDirectories,
    metadataDirectory: broker.metadataLogDir === null ? logDirectories[0]! : resolve(broker.metadataLogDir),
    clusterId: properties.get('cluster.id'),
    nodeId: nodeId === undefined || nodeId < 0 ? undefined : nodeId,
    warnings: [
      ...staticConfig.warnings,
      ...warningsAboutEffect(properties),
      ...warningsAboutOverrides(properties.keys(), listeners),
      ...[warningAboutReplicas(staticConfig), warningAboutEnvironment(environment, properties)].filter(
        (warning) => warning !== undefined,
      ),
    ],
  }
}

function refuse(fault: InvalidSetting | undefined): void {
  if (fault !== undefined) throw new StartError(fault.message)
}

function valid<T>(read: T | InvalidSetting): T {
  if (read instanceof InvalidSetting) throw new StartError(read.message)
  return read
}
