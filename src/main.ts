import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { StorageLostError } from '../storage/failure-policy.ts'
import { nodeHost } from '../storage/host/node-host.ts'
import { parseArguments, type StartArguments } from './cli/arguments.ts'
import type { StorageCommand } from './cli/storage/arguments.ts'
import { runStorageCommand } from './cli/storage/run.ts'
import { Cluster } from './cluster.ts'
import { parseProperties } from './config/server-properties.ts'
import { StartError } from './config/start-error.ts'
import { type StartSettings, startSettingsOf } from './config/start-settings.ts'
import type { BrokerAddress } from './network/open-listener.ts'
import { TcpTransport } from './network/tcp-transport.ts'
import { processLogger } from './observe/process-logger.ts'

// The build replaces it by the version of package.json. When running from source it is undefined.
declare const OTTLA_VERSION: string | undefined
const version = typeof OTTLA_VERSION === 'undefined' ? '0.0.0-development' : OTTLA_VERSION

function propertiesOf({
  propertiesFile,
  overrides,
}: Pick<StartArguments, 'propertiesFile' | 'overrides'>): Map<string, string> {
  if (propertiesFile === undefined) return new Map(overrides)
  try {
    return new Map([...parseProperties(readFileSync(propertiesFile, 'utf8')), ...overrides])
  } catch (error) {
    throw new StartError(`cannot read the settings in ${propertiesFile}: ${(error as Error).message}`)
  }
}

function settingsOf(args: Parameters<typeof propertiesOf>[0]): StartSettings {
  return startSettingsOf(propertiesOf(args), { hostName: hostname(), environment: process.env })
}

/** Runs a command about data directories, and returns its exit code. */
function runStorage(command: StorageCommand): number {
  return runStorageCommand(command, {
    host: nodeHost((reason) => fail('cannot go on', reason)),
    settingsOf: (propertiesFile) => settingsOf({ propertiesFile, overrides: new Map() }),
    out: (line) => process.stdout.write(`${line}\n`),
    err: (line) => process.stderr.write(`${line}\n`),
  })
}

async function start(args: StartArguments): Promise<void> {
  const settings = settingsOf(args)
  const logger = processLogger({ file: args.logFile }, process.stderr)
  for (const warning of settings.warnings) logger.warn({}, warning)
  const endAtOnce = (reason: Error): never => {
    // A disk that failed is no bug: the stack would hide the line that says what to do.
    const fields = reason instanceof StorageLostError ? {} : { err: reason }
    logger.error(fields, `stopping at once: ${reason.message}`)
    process.exit(1)
  }
  // An uncaught error is fatal as well: it may have left any work half done.
  process.on('uncaughtException', endAtOnce)
  process.on('unhandledRejection', (reason) => endAtOnce(reason instanceof Error ? reason : new Error(String(reason))))
  const host = nodeHost(endAtOnce)
  const broker = new Cluster(settings, host, new TcpTransport(), logger, logLevels[args.logLevel])
  stopOnSignals(broker)
  await broker.start()
  const addresses = listText(broker.addresses)
  const controllers =
    broker.controllerAddresses.length === 0 ? '' : `, controller on ${listText(broker.controllerAddresses)}`
  const directories = settings.logDirectories.join(', ')
  const zooKeeper = broker.zooKeeperAddress
  const andZooKeeper = zooKeeper === undefined ? '' : ` and for ZooKeeper clients on ${addressText(zooKeeper)}`
  console.log(
    `ottla ${version} is listening on ${addresses}${controllers}${andZooKeeper}, data in ${directories}, ready after ${sinceStartMs()} ms`,
  )
}

const logLevels = { debug: 'DEBUG', info: 'INFO', warn: 'WARN', error: 'ERROR' } as const

function listText(addresses: readonly BrokerAddress[]): string {
  return addresses.map(addressText).join(', ')
}

function addressText({ host, port, isEveryInterface }: BrokerAddress): string {
  return isEveryInterface ? `port ${port} of every interface` : `${host}:${port}`
}

function sinceStartMs(): number {
  return Math.round(process.uptime() * 1000)
}

/** The first signal stops the broker cleanly, the second one at once. */
function stopOnSignals(broker: Cluster): void {
  let stopping = false
  const stop = (signal: string) => {
    if (stopping) process.exit(1)
    stopping = true
    broker.stop().then(
      () => process.exit(0),
      (error: unknown) => fail(`did not stop cleanly after ${signal}`, error),
    )
  }
  process.on('SIGTERM', () => stop('SIGTERM'))
  process.on('SIGINT', () => stop('SIGINT'))
}

function fail(what: string, error: unknown): never {
  const detail = error instanceof StartError ? error.message : error instanceof Error ? error.stack : String(error)
  process.stderr.write(`ottla error: ${what}: ${detail}\n`)
  process.exit(1)
}

const parsed = parseArguments(process.argv.slice(2), version)
if ('exitCode' in parsed) process.exit(parsed.exitCode)
// The exit code is set, and the process left to end by itself, so that a pipe gets all lines.
if ('name' in parsed) process.exitCode = runStorage(parsed)
else await start(parsed).catch((error: unknown) => fail('cannot start', error))
