import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'

/** Directory, ports and settings of one broker. */
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
  /** Runs once, before the first start. */
  prepare?(place: BrokerPlace): void | Promise<void>
  /** Argument list of a start; run in `place.directory`. The process it starts is the broker itself. */
  command(place: BrokerPlace): string[] | Promise<string[]>
  /** Whether the broker is ready for clients, judged by its output since this start. */
  isReady(output: string, place: BrokerPlace): boolean
}

/** Root folder of this checkout. */
export const projectDirectory = resolve(import.meta.dirname, '..')

/** Argument list that runs `ottla` like a user's shell, but without a shell. */
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

/** Ottla with a listener of its controller, as Apache Kafka has one. */
export const ottlaWithController: BrokerProgram = {
  ...ottla,
  command: (place) => {
    const { port, controllerPort, settings } = place
    const own = {
      listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
      'controller.listener.names': 'CONTROLLER',
      'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
      'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
    }
    return ottla.command({ ...place, settings: { ...own, ...settings } })
  },
}
