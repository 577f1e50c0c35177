import type { Host } from '../../../storage/host/host.ts'
import { StartError } from '../../config/start-error.ts'
import type { StartSettings } from '../../config/start-settings.ts'
import type { StorageCommand } from './arguments.ts'
import { CommandFailure } from './command-failure.ts'
import { featureDependencies, versionMapping } from './feature-commands.ts'
import { format } from './format.ts'
import { formatPlan } from './format-plan.ts'
import { info } from './info.ts'

/** What a command runs with. */
export interface Surroundings {
  readonly host: Host
  /** Reads and checks a settings file. Throws StartError. */
  readonly settingsOf: (propertiesFile: string) => StartSettings
  /** Prints a line on stdout, or on stderr. */
  readonly out: (line: string) => void
  readonly err: (line: string) => void
}

/** Runs a storage command to its end. Returns its exit code: that of Kafka's tool. */
export function runStorageCommand(command: StorageCommand, surroundings: Surroundings): number {
  try {
    return run(command, surroundings)
  } catch (error) {
    if (!(error instanceof CommandFailure || error instanceof StartError)) throw error
    surroundings.err(error.message)
    return 1
  }
}

function run(command: StorageCommand, { host, settingsOf, out }: Surroundings): number {
  const print = (lines: readonly string[]) => {
    for (const line of lines) out(line)
  }
  switch (command.name) {
    case 'random-uuid':
      out(host.random.uuid())
      return 0
    case 'version-mapping':
      print(versionMapping(command.release))
      return 0
    case 'feature-dependencies':
      for (const each of command.features) print(featureDependencies(each))
      return 0
    case 'info': {
      const { lines, exitCode } = info(host, settingsOf(command.propertiesFile))
      print(lines)
      return exitCode
    }
    case 'format': {
      const settings = settingsOf(command.propertiesFile)
      print(format(host, settings, formatPlan(command.options, settings, host.random), command.options))
      return 0
    }
  }
}
