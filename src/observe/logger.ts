/** The logger interface of the broker's parts, satisfied by pino's loggers. Fields first, then one calm sentence. */
export interface Logger {
  error(fields: object, message: string): void
  warn(fields: object, message: string): void
  info(fields: object, message: string): void
  debug(fields: object, message: string): void
}

/** Drops all messages: for tests, and for embedded use without a logger. */
export const silentLogger: Logger = { error() {}, warn() {}, info() {}, debug() {} }
