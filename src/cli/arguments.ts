import { Command, CommanderError, InvalidArgumentError } from 'commander'
import { severalBrokers } from '../config/several-brokers.ts'
import { addStorageCommands, type StorageCommand } from './storage/arguments.ts'

/** Arguments of `ottla start`. */
export interface StartArguments {
  /** Path of a server.properties; undefined: defaults only. */
  readonly propertiesFile: string | undefined
  /** `--override name=value`, in the given order; they win over the file. */
  readonly overrides: ReadonlyMap<string, string>
  /** Target of structured logs: a path, '-' for stderr; undefined: none. */
  readonly logFile: string | undefined
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error'
}

/** Help or the version was printed, or the arguments were invalid (then exitCode is 1). The process can exit. */
export interface Finished {
  readonly exitCode: number
}

const examples = `
Examples:
  ottla start                                                      listen on localhost:9092, keep data in ./data
  ottla start config/server.properties
  ottla start --override listeners=PLAINTEXT://127.0.0.1:19092 --override log.dirs=/tmp/kafka
  ottla start --brokers 3 --racks a,b,c                            three brokers, on ports 9092, 9093 and 9094
  ottla start --log-file ottla.log --log-level debug
  ottla format -t $(ottla random-uuid) -c config/server.properties   (ottla format --help has more)

Settings carry Kafka's names. Warnings and errors are printed on stderr; --log-file writes every event as JSON lines.`

/** Parses the arguments after `ottla`. commander prints help, version and errors. */
export function parseArguments(args: readonly string[], version: string): StartArguments | StorageCommand | Finished {
  let parsed: StartArguments | StorageCommand | undefined
  const program = new Command('ottla')
    .description('A Kafka broker without the JVM: stock Kafka clients and tools talk to it unchanged.')
    .version(version, '-v, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .addHelpText('after', examples)
    .showHelpAfterError('(ottla --help shows the usage)')
    .exitOverride()
  program
    .command('start', { isDefault: true })
    .description('start a broker; it runs until SIGTERM or SIGINT (ctrl-c)')
    .argument('[server.properties]', "settings, in the format of Kafka's own file")
    .option('-o, --override <name=value>', 'set one setting; may be given many times', collectOverride, new Map())
    .option('--brokers <number>', 'brokers to run in this process (setting num.brokers)')
    .option('--racks <a,b,c>', 'rack of each broker (setting broker.racks)')
    .option('--log-file <file>', "append structured logs to this file; '-' means stderr")
    .option('--log-level <level>', 'least important level to log: debug, info, warn or error', checkLevel, 'info')
    .exitOverride()
    .action((propertiesFile: string | undefined, options) => {
      const { override, brokers, racks, logFile, logLevel } = options
      const overrides = new Map<string, string>(override)
      if (brokers !== undefined) overrides.set(severalBrokers.count, brokers)
      if (racks !== undefined) overrides.set(severalBrokers.racks, racks)
      parsed = { propertiesFile, overrides, logFile, logLevel }
    })
  addStorageCommands(program, (command) => {
    parsed = command
  })
  try {
    program.parse(args, { from: 'user' })
  } catch (error) {
    if (error instanceof CommanderError) return { exitCode: error.exitCode }
    throw error
  }
  return parsed ?? { exitCode: 0 }
}

function collectOverride(text: string, overrides: Map<string, string>): Map<string, string> {
  const at = text.indexOf('=')
  if (at < 1) throw new InvalidArgumentError('It takes name=value.')
  return overrides.set(text.slice(0, at).trim(), text.slice(at + 1).trim())
}

function checkLevel(text: string): string {
  if (['debug', 'info', 'warn', 'error'].includes(text)) return text
  throw new InvalidArgumentError('It is one of debug, info, warn, error.')
}
