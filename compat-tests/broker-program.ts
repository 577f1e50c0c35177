import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'

/** Where one broker lives and what it was told. */
export interface BrokerPlace {
  readonly directory: string
  readonly dataDir: string
  readonly port: number
  /** Free, for programs that need a second listener. */
  readonly controllerPort: number
  readonly settings: Readonly<Record<string, string>>
}

/** A program that serves Kafka's protocol, and how to start it. */
export interface BrokerProgram {
  /** Done once, before the first start. */
  prepare?(place: BrokerPlace): void | Promise<void>
  /** Argument list of a start; run in `place.directory`. The process that it starts is the broker itself. */
  command(place: BrokerPlace): string[] | Promise<string[]>
  /** From what it printed since this start: does it serve clients? */
  isReady(output: string, place: BrokerPlace): boolean
}

/** The folder of this checkout. */
export const projectDirectory = resolve(import.meta.dirname, '..')

/** Argument list that runs `ottla` as a user's shell would, but without a shell. */
export function ottlaCommand(...args: string[]): string[] {
  const built = join(projectDirectory, 'dist', 'ottla.js')
  if (!existsSync(built)) throw new Error(`${built} is missing: run \`npm run build\``)
  return [process.execPath, join(projectDirectory, 'bin', 'ottla'), ...args]
}

/** `--override name=value` for each setting. */
export function overrides(settings: Readonly<Record<string, string>>): string[] {
  return Object.entries(settings).flatMap(([name, value]) => ['--override', `${name}=${value}`])
}

export const ottla: BrokerProgram = {
  command: ({ port, dataDir, settings }) => {
    const own = { listeners: `PLAINTEXT://127.0.0.1:${port}`, 'log.dirs': dataDir }
    return ottlaCommand('start', ...overrides({ ...own, ...settings }))
  },
  isReady: (output, { port }) => new RegExp(`^.*127\\.0\\.0\\.1:${port}\\b.*\\d+ ms.*$`, 'm').test(output),
}
