/** What the parts of the broker need of a logger; pino's satisfies it. Fields first, then one calm sentence. */
export interface Logger {
  error(fields: object, message: string): void
  warn(fields: object, message: string): void
  info(fields: object, message: string): void
  debug(fields: object, message: string): void
}

/** Drops everything: for tests, and for embedded use without a logger. */
export const silentLogger: Logger = { error() {}, warn() {}, info() {}, debug() {} }
