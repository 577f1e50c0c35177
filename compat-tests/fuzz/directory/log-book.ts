import type { Logger } from '../../../src/observe/logger.ts'

/** Collects a broker's warnings, one line each with its fields. */
export class LogBook implements Logger {
  readonly lines: string[] = []

  error(fields: object, message: string): void {
    this.lines.push(`error: ${message} ${textOf(fields)}`)
  }

  warn(fields: object, message: string): void {
    this.lines.push(`warn: ${message} ${textOf(fields)}`)
  }

  info(): void {}

  debug(): void {}
}

function textOf(fields: object): string {
  return JSON.stringify(fields, (_, value) => (value instanceof Error ? value.message : value))
}
