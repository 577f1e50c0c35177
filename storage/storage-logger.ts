/** What storage needs of a logger; the broker's satisfies it. Fields first, then one calm sentence. */
export interface StorageLogger {
  error(fields: object, message: string): void
  warn(fields: object, message: string): void
  info(fields: object, message: string): void
}

export const silentStorageLogger: StorageLogger = { error() {}, warn() {}, info() {} }
