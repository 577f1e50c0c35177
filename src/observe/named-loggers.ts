import type { Logger } from './logger.ts'

/** Kafka's log levels, the most important first. Source: LogLevelConfig. */
const levels = ['FATAL', 'ERROR', 'WARN', 'INFO', 'DEBUG', 'TRACE'] as const
export type LogLevel = (typeof levels)[number]

export const ROOT_LOGGER = 'root'

/** Loggers of the parts of a broker, named like the class that does the same in Kafka. */
export const loggerOf = {
  connections: 'kafka.network.SocketServer',
  requests: 'kafka.server.KafkaApis',
  partitions: 'kafka.server.ReplicaManager',
  clientMetrics: 'org.apache.kafka.server.ClientMetricsManager',
  controller: 'org.apache.kafka.controller.QuorumController',
  groups: 'org.apache.kafka.coordinator.group.GroupCoordinatorService',
  transactions: 'kafka.coordinator.transaction.TransactionCoordinator',
  logs: 'org.apache.kafka.storage.internals.log.LogManager',
} as const

/** Most important level that lets a message of the method through. */
const needed: Readonly<Record<keyof Logger, LogLevel>> = { error: 'ERROR', warn: 'WARN', info: 'INFO', debug: 'DEBUG' }

export function isLogLevel(text: string | null): text is LogLevel {
  return (levels as readonly (string | null)[]).includes(text)
}

/** The levels in the order in which Kafka lists them in messages. */
export const sortedLevels: readonly string[] = [...levels].sort()

/**
 * A root logger and named ones, each with a level that can be changed while the broker runs. A logger without a level
 * has that of the root. All write to one target. Source: LoggingController.
 */
export class NamedLoggers {
  readonly #target: Logger
  readonly #levels = new Map<string, LogLevel>()
  readonly #names: readonly string[] = [ROOT_LOGGER, ...Object.values(loggerOf)].sort()

  /** root: level of the root logger. */
  constructor(target: Logger, root: LogLevel) {
    this.#target = target
    this.#levels.set(ROOT_LOGGER, root)
  }

  /** The logger with this name, which must exist. owner: fields of all its lines, such as the broker that it is of. */
  named(name: string, owner: object = {}): Logger {
    const log = (method: keyof Logger) => (fields: object, message: string) => {
      if (levels.indexOf(needed[method]) > levels.indexOf(this.levelOf(name))) return
      this.#target[method]({ ...owner, ...fields }, message)
    }
    return { error: log('error'), warn: log('warn'), info: log('info'), debug: log('debug') }
  }

  has(name: string): boolean {
    return this.#names.includes(name)
  }

  /** Names of all loggers, sorted. */
  get names(): readonly string[] {
    return this.#names
  }

  /** The level in force. */
  levelOf(name: string): LogLevel {
    return this.#levels.get(name) ?? (this.#levels.get(ROOT_LOGGER) as LogLevel)
  }

  /** Sets the level of a logger; null: it has the root's again. The root cannot lose its level. */
  setLevel(name: string, level: LogLevel | null): void {
    if (level !== null) this.#levels.set(name, level)
    else if (name !== ROOT_LOGGER) this.#levels.delete(name)
  }
}
