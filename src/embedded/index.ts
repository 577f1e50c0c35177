/** A broker inside this process, for tests and tools: `import { startBroker } from 'ottla'`. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nodeHost } from '../../storage/host/node-host.ts'
import { Cluster } from '../cluster.ts'
import { startSettingsOf } from '../config/start-settings.ts'
import { TcpTransport } from '../network/tcp-transport.ts'
import { type Logger, silentLogger } from '../observe/logger.ts'

export { StartError } from '../config/start-error.ts'
export type { Logger }

/** Options of a broker; all may be omitted. */
export interface BrokerOptions {
  /** Address to listen on. Default: 127.0.0.1. */
  readonly host?: string
  /** Port to listen on; 0, the default, takes a free one. */
  readonly port?: number
  /** Directory of the data. Omitted: a temporary directory, removed when the broker is closed. */
  readonly dataDirectory?: string
  /** Settings under Kafka's own names, as in server.properties: `{ 'num.partitions': 6 }`. */
  readonly settings?: Readonly<Record<string, string | number | boolean>>
  /** Receives log messages; pino's loggers fit. Omitted: nothing is logged. */
  readonly logger?: Logger
}

/** A running broker. */
export interface RunningBroker {
  readonly host: string
  readonly port: number
  /** Address for clients: `127.0.0.1:54321`. */
  readonly bootstrapServers: string
  readonly dataDirectory: string
  /** Address for ZooKeeper's clients, if the setting `zookeeper.connect` asks for it: `127.0.0.1:2181`. */
  readonly zooKeeperConnect: string | undefined
  /** Stops the broker and removes its temporary directory, if it has one. Safe to call twice. */
  close(): Promise<void>
}

/**
 * Starts a broker; clients are served once this resolves. Rejects with StartError if a setting, the directory or the
 * port cannot be used. Its message says what to do.
 */
export async function startBroker(options: BrokerOptions = {}): Promise<RunningBroker> {
  const { host = '127.0.0.1', port = 0, logger = silentLogger } = options
  const isTemporary = options.dataDirectory === undefined
  const dataDirectory = options.dataDirectory ?? mkdtempSync(join(tmpdir(), 'ottla-'))
  const removeData = () => {
    if (isTemporary) rmSync(dataDirectory, { recursive: true, force: true })
  }
  try {
    const given = Object.entries(options.settings ?? {}).map(([name, value]) => [name, String(value)] as const)
    const place = { listeners: `PLAINTEXT://${host}:${port}`, 'log.dirs': dataDirectory }
    const settings = startSettingsOf(new Map([...Object.entries(place), ...given]))
    for (const warning of settings.warnings) logger.warn({}, warning)
    // Do not end the process, it is not ours. A broker that cannot go on drops its clients, and the log says why.
    const machine = nodeHost((reason) => {
      logger.error({ err: reason }, `the broker stopped: ${reason.message}`)
      broker.halt().catch((err: unknown) => logger.error({ err }, 'the broker could not be stopped'))
    })
    const broker = new Cluster(settings, machine, new TcpTransport(), logger)
    await broker.start()
    const [address] = broker.addresses
    const zooKeeper = broker.zooKeeperAddress
    if (address === undefined) throw new Error('a broker listens somewhere')
    return {
      host: address.host,
      port: address.port,
      bootstrapServers: `${address.host}:${address.port}`,
      dataDirectory,
      zooKeeperConnect: zooKeeper === undefined ? undefined : `${zooKeeper.host}:${zooKeeper.port}`,
      async close() {
        await broker.stop()
        removeData()
      },
    }
  } catch (error) {
    removeData()
    throw error
  }
}
