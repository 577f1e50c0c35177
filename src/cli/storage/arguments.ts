import { type Command, InvalidArgumentError } from 'commander'
import type { FormatOptions } from './format-plan.ts'

/** A command of Kafka's `kafka-storage`, with its options. */
export type StorageCommand =
  | { readonly name: 'format'; readonly propertiesFile: string; readonly options: FormatOptions }
  | { readonly name: 'info'; readonly propertiesFile: string }
  | { readonly name: 'version-mapping'; readonly release: string | undefined }
  | { readonly name: 'feature-dependencies'; readonly features: readonly string[] }
  | { readonly name: 'random-uuid' }

const formatExamples = `
Examples:
  ottla format -t $(ottla random-uuid) -c server.properties
  ottla format -t 4L6g3nShT-eMCtK--X86sw -c server.properties --standalone --ignore-formatted
  ottla format -t 4L6g3nShT-eMCtK--X86sw -c server.properties --release-version 4.2 --feature share.version=0
  ottla format -t 4L6g3nShT-eMCtK--X86sw -c server.properties --add-scram 'SCRAM-SHA-256=[name=alice,password=secret]'

It does what kafka-storage.sh format does, and both prepare directories for Ottla and for Apache Kafka. It is only needed
to choose cluster id, features or users: a first start formats empty directories by itself.`

/** Adds Kafka's storage commands to the program. onCommand gets the one that was given. */
export function addStorageCommands(program: Command, onCommand: (command: StorageCommand) => void): void {
  addFormat(program, onCommand)
  withConfig(program.command('info').description('say what is in the data directories'))
    .exitOverride()
    .action(({ config }) => onCommand({ name: 'info', propertiesFile: config }))
  program
    .command('random-uuid')
    .description('print a random uuid, for --cluster-id')
    .exitOverride()
    .action(() => onCommand({ name: 'random-uuid' }))
  program
    .command('version-mapping')
    .description('list the feature levels of a release')
    .option('-r, --release-version <version>', 'such as 4.3 or 4.3-IV0; default: the newest')
    .exitOverride()
    .action(({ releaseVersion }) => onCommand({ name: 'version-mapping', release: releaseVersion }))
  program
    .command('feature-dependencies')
    .description('say which features a feature level needs')
    .requiredOption('-f, --feature <name=level>', 'may be given many times', collect)
    .exitOverride()
    .action(({ feature }) => onCommand({ name: 'feature-dependencies', features: feature }))
}

function addFormat(program: Command, onCommand: (command: StorageCommand) => void): void {
  const format = withConfig(
    program.command('format').description('prepare data directories, like kafka-storage.sh format'),
  )
  // commander keeps the last of --initial-controllers and --no-initial-controllers, for which it has one name.
  const given = new Set<string>()
  for (const name of quorumOptions) format.on(`option:${name}`, () => given.add(`--${name}`))
  format
    .requiredOption('-t, --cluster-id <id>', 'id of the cluster', checkClusterId)
    .option('-S, --add-scram <credential>', scramHelp, collect, [])
    .option('-g, --ignore-formatted', 'leave formatted directories as they are, and format the others', false)
    .option('-r, --release-version <version>', 'release whose features to begin with, such as 4.3; default: the newest')
    .option('-f, --feature <name=level>', 'level of one feature; may be given many times', collect, [])
    .option('-s, --standalone', 'the metadata log names the controller, instead of controller.quorum.voters', false)
    .option('-N, --no-initial-controllers', 'accepted with controller.quorum.voters')
    .option('-I, --initial-controllers <id@host:port:directory>', 'like --standalone, with this directory id')
    .addHelpText('after', formatExamples)
    .exitOverride()
    .action(({ config, initialControllers, standalone, ...options }) => {
      const [one, other] = given
      if (other !== undefined) format.error(`error: option '${one}' cannot be used with option '${other}'`)
      const voters = typeof initialControllers === 'string' ? initialControllers : undefined
      const noInitialControllers = given.has('--no-initial-controllers')
      const formatOptions = { ...options, standalone, initialControllers: voters, noInitialControllers }
      onCommand({ name: 'format', propertiesFile: config, options: formatOptions })
    })
}

const quorumOptions = ['standalone', 'no-initial-controllers', 'initial-controllers']

const scramHelp =
  "a user to begin with: 'SCRAM-SHA-256=[name=alice,password=secret]', or SCRAM-SHA-512, with iterations=8192, " +
  'salt=BASE64, saltedpassword=BASE64; may be given many times'

function withConfig(command: Command): Command {
  return command.requiredOption('-c, --config <server.properties>', "settings, in the format of Kafka's own file")
}

function collect(text: string, all: readonly string[] | undefined): readonly string[] {
  return [...(all ?? []), text]
}

/** Of such an id, Kafka and Ottla read the same from meta.properties. */
function checkClusterId(text: string): string {
  if (/^[!-[\]-~]+$/.test(text)) return text
  throw new InvalidArgumentError('It is one word without backslashes; `ottla random-uuid` prints one.')
}
