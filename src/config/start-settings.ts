import { resolve } from 'node:path'
import { otherNodeSettings, unsupportedRoles, warningAboutReplicas } from './cluster-of-one.ts'
import { ConfigStore } from './config-store.ts'
import { InvalidSetting } from './config-value.ts'
import { type Environment, warningAboutEnvironment } from './environment-hints.ts'
import { warningsAboutOverrides } from './listener-overrides.ts'
import { type Listeners, readListeners } from './listeners.ts'
import { unsupportedSelector } from './replica-selectors.ts'
import {
  brokerCountIn,
  defaultsFor,
  type FurtherBroker,
  ofFirstBroker,
  ofFurtherBroker,
  racksIn,
} from './several-brokers.ts'
import { StartError } from './start-error.ts'
import { unresolvedValue, unsafeStart, warningsAboutEffect } from './start-notes.ts'
import { readStaticConfig, type StaticConfig } from './static-config.ts'
import { readZooKeeperConnect, type ZooKeeperAddress } from './zookeeper-connect.ts'

/** One broker's own settings. */
export interface BrokerStartSettings {
  readonly static: StaticConfig
  readonly listeners: Listeners
  /** True if no setting names its ports: they follow from the first broker's. */
  readonly isFurther: boolean
}

/** The settings that the brokers of a process need before they start. */
export interface StartSettings {
  /** The first broker's settings apply to what all share. */
  readonly brokers: readonly [BrokerStartSettings, ...BrokerStartSettings[]]
  /** num.brokers; undefined: not set. */
  readonly brokerCount: number | undefined
  /** The settings of a broker after n others. Throws StartError if no node id, port or address is left for it. */
  readonly furtherBroker: (n: number, own?: FurtherBroker) => BrokerStartSettings
  /** log.dirs, absolute. */
  readonly logDirectories: readonly string[]
  /** metadata.log.dir, absolute. Default: the first of log.dirs. */
  readonly metadataDirectory: string
  /** Set by the user; undefined: read from disk, or generated. */
  readonly clusterId: string | undefined
  /** Of the first broker. */
  readonly nodeId: number | undefined
  /** zookeeper.connect, if it names a port of this machine. */
  readonly zooKeeper: ZooKeeperAddress | undefined
  /** Lines for the log. */
  readonly warnings: readonly string[]
}

/** Facts about the machine against which settings are checked. */
export interface Machine {
  /** The machine's host name. */
  readonly hostName?: string | undefined
  readonly environment?: Environment
}

/** Checks the settings of server.properties and overrides. Throws StartError for the first invalid one. */
export function startSettingsOf(given: ReadonlyMap<string, string>, machine: Machine = {}): StartSettings {
  const count = valid(brokerCountIn(given))
  const brokerCount = count ?? 1
  const racks = valid(racksIn(given, brokerCount))
  const properties = valid(ofFirstBroker(given, racks))
  const defaults = defaultsFor(brokerCount)
  const { hostName, environment = {} } = machine
  const staticConfig = valid(readStaticConfig(properties, defaults))
  const { broker } = new ConfigStore(staticConfig, 1)
  refuse(unsafeStart(staticConfig))
  refuse(unresolvedValue(staticConfig))
  refuse(unsupportedRoles(broker.processRoles))
  refuse(unsupportedSelector(broker.replicaSelectorClass))
  const listeners = valid(readListeners(broker))
  const nodeId = staticConfig.values.get('node.id')?.value as number | undefined
  refuse(otherNodeSettings(broker, { nodeId, listeners, hostName }))
  const zooKeeper = readZooKeeperConnect(properties.get('zookeeper.connect'), hostName)
  const logDirectories = (broker.logDirs ?? broker.logDir).map((directory) => resolve(directory))
  const zooKeeperPort = zooKeeper instanceof InvalidSetting ? undefined : zooKeeper?.port
  const taken = zooKeeperPort === undefined ? [] : [zooKeeperPort]
  const first = { properties: given, listeners, brokerCount, taken, hostName }
  const furtherBroker = (n: number, own: FurtherBroker = {}) =>
    furtherSettingsOf(valid(ofFurtherBroker(n, own, first)), defaults)
  return {
    brokers: [
      { static: staticConfig, listeners, isFurther: false },
      ...Array.from({ length: brokerCount - 1 }, (_, index) => furtherBroker(index + 1, { rack: racks?.[index + 1] })),
    ],
    brokerCount: count,
    furtherBroker,
    logDirectories,
    metadataDirectory: broker.metadataLogDir === null ? logDirectories[0]! : resolve(broker.metadataLogDir),
    clusterId: properties.get('cluster.id'),
    nodeId: nodeId === undefined || nodeId < 0 ? undefined : nodeId,
    zooKeeper: zooKeeper instanceof InvalidSetting ? undefined : zooKeeper,
    warnings: [
      ...staticConfig.warnings,
      ...warningsAboutEffect(properties),
      ...warningsAboutOverrides(properties.keys(), listeners),
      ...(zooKeeper instanceof InvalidSetting ? [zooKeeper.message] : []),
      ...[warningAboutReplicas(staticConfig, brokerCount), warningAboutEnvironment(environment, properties)].filter(
        (warning) => warning !== undefined,
      ),
    ],
  }
}

function furtherSettingsOf(
  properties: ReadonlyMap<string, string>,
  defaults: ReadonlyMap<string, string>,
): BrokerStartSettings {
  const staticConfig = valid(readStaticConfig(properties, defaults))
  const listeners = valid(readListeners(new ConfigStore(staticConfig, 1).broker))
  return { static: staticConfig, listeners, isFurther: true }
}

/** What was read. Throws StartError if it is invalid. */
export function valid<T>(read: T | InvalidSetting): T {
  if (read instanceof InvalidSetting) throw new StartError(read.message)
  return read
}

function refuse(fault: InvalidSetting | undefined): void {
  if (fault !== undefined) throw new StartError(fault.message)
}
