/** Brokers inside this process, for tests and tools: `import { startBroker } from 'ottla'`. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nodeHost } from '../../storage/host/node-host.ts'
import { Cluster } from '../cluster.ts'
import { racksText, severalBrokers } from '../config/several-brokers.ts'
import { startSettingsOf, valid } from '../config/start-settings.ts'
import { TcpTransport } from '../network/tcp-transport.ts'
import { type Logger, silentLogger } from '../observe/logger.ts'
import { runningCluster } from './cluster-handles.ts'
import type { RunningCluster } from './running-cluster.ts'

export { ClusterError } from '../cluster-error.ts'
export { StartError } from '../config/start-error.ts'
export type {
  ClusterBroker,
  ClusterGroup,
  ClusterPartition,
  ClusterTransactionalId,
  RunningCluster,
} from './running-cluster.ts'
export type { Logger }
/** What `startBroker` answers; of one broker or several. */
export type RunningBroker = RunningCluster

/** Options of a cluster; all may be omitted. */
export interface BrokerOptions {
  /** Number of brokers, with the node ids 1, 2, 3... Default: 1. */
  readonly brokers?: number
  /** Rack of each broker. */
  readonly racks?: readonly string[]
  /** Address to listen on. Default: 127.0.0.1. */
  readonly host?: string
  /** Port of the first broker; the others have the next ones. 0, the default, takes free ones. */
  readonly port?: number
  /** Directory of the data. Omitted: a temporary directory, removed when the brokers are closed. */
  readonly dataDirectory?: string
  /** Settings under Kafka's own names, as in server.properties: `{ 'num.partitions': 6 }`. */
  readonly settings?: Readonly<Record<string, string | number | boolean>>
  /** Receives log messages; pino's loggers fit. Omitted: nothing is logged. */
  readonly logger?: Logger
}

/**
 * Starts one broker, or several; clients are served once this resolves. Rejects with StartError if a setting, the
 * directory or a port cannot be used. Its message says what to do.
 */
export async function startBroker(options: BrokerOptions = {}): Promise<RunningCluster> {
  const { logger = silentLogger } = options
  const isTemporary = options.dataDirectory === undefined
  const dataDirectory = options.dataDirectory ?? mkdtempSync(join(tmpdir(), 'ottla-'))
  const removeData = () => {
    if (isTemporary) rmSync(dataDirectory, { recursive: true, force: true })
  }
  try {
    const settings = startSettingsOf(propertiesOf(options, dataDirectory))
    for (const warning of settings.warnings) logger.warn({}, warning)
    // Do not end the process, it is not ours. A broker that cannot go on drops its clients, and the log says why.
    const machine = nodeHost((reason) => {
      logger.error({ err: reason }, `the broker stopped: ${reason.message}`)
      cluster.halt().catch((err: unknown) => logger.error({ err }, 'the broker could not be stopped'))
    })
    const cluster = new Cluster(settings, machine, new TcpTransport(), logger)
    await cluster.start()
    return runningCluster(cluster, dataDirectory, removeData)
  } catch (error) {
    removeData()
    throw error
  }
}

function propertiesOf(
  { host = '127.0.0.1', port = 0, brokers, racks, settings = {} }: BrokerOptions,
  dataDirectory: string,
): Map<string, string> {
  const given = Object.entries(settings).map(([name, value]) => [name, String(value)] as const)
  const properties = new Map([['listeners', `PLAINTEXT://${host}:${port}`], ['log.dirs', dataDirectory], ...given])
  if (brokers !== undefined) properties.set(severalBrokers.count, String(brokers))
  if (racks !== undefined) properties.set(severalBrokers.racks, valid(racksText(racks)))
  return properties
}
