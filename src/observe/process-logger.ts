import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import type { DestinationStream, Logger as PinoLogger } from 'pino'
import { NodeFiles } from '../../storage/host/node-files.ts'
import type { Logger } from './logger.ts'

export interface LogTarget {
  /** Path of a file for JSON lines, which are appended; '-' for stderr; undefined: no structured log. */
  readonly file: string | undefined
}

/**
 * The log of a broker process; named-loggers.ts decides what gets here. People get warnings and errors on stderr, one short line each, with colour only on a
 * terminal. Machines get every event as JSON in the log file. If the file is stderr, JSON replaces the short lines.
 * pino is loaded with the first event for the file, so a quiet start does not pay for it.
 */
export function processLogger(target: LogTarget, stderr: NodeJS.WriteStream): Logger {
  const people = target.file === '-' ? undefined : consoleLogger(stderr)
  const machines = target.file === undefined ? undefined : structuredLogger(target.file)
  const log = (level: keyof Logger) => (fields: object, message: string) => {
    if (level === 'warn' || level === 'error') people?.(level, fields, message)
    machines?.()[level](fields, message)
  }
  return { error: log('error'), warn: log('warn'), info: log('info'), debug: log('debug') }
}

const colours = { warn: '\u001b[33m', error: '\u001b[31m' } as const

function consoleLogger(stderr: NodeJS.WriteStream) {
  return (level: 'warn' | 'error', fields: object, message: string) => {
    const label = stderr.isTTY ? `${colours[level]}${level}\u001b[0m` : level
    const stack = level === 'error' && 'err' in fields && fields.err instanceof Error ? `\n${fields.err.stack}` : ''
    stderr.write(`ottla ${label}: ${message}${details(fields, message)}${stack}\n`)
  }
}

/** The fields that add to the message: partition, file, position. Only the log file has the rest of a long text. */
function details(fields: object, message: string): string {
  const shown = Object.entries(fields).flatMap(([name, value]) => {
    const isPlain = typeof value === 'string' || typeof value === 'number' || Array.isArray(value)
    const [line] = String(value).split('\n', 1)
    return !isPlain || message.includes(line!) ? [] : [`${name} ${line}`]
  })
  return shown.length === 0 ? '' : ` (${shown.join(', ')})`
}

function structuredLogger(file: string): () => PinoLogger {
  let logger: PinoLogger | undefined
  return () => {
    if (logger === undefined) {
      const { pino } = createRequire(import.meta.url)('pino') as typeof import('pino')
      // Synchronous, so that the last lines of a dying broker reach the file.
      if (file !== '-') new NodeFiles().makeDirectory(dirname(file))
      const destination: DestinationStream = pino.destination({ dest: file === '-' ? 2 : file, sync: true })
      logger = pino({ level: 'debug', base: undefined, timestamp: pino.stdTimeFunctions.isoTime }, destination)
    }
    return logger
  }
}
