import type { Normalisation } from './normalise.ts'

/** One run of a tool at Apache Kafka and at Ottla, whose output and exit code must be equal. */
export interface ToolCase {
  /**
   * Tool and arguments, as in a shell; '...' keeps spaces. BROKER stands for the bootstrap address, CONTROLLER for that
   * of the controller, FILES for the folder of `files`, DATA for the data directory.
   */
  readonly command: string
  /** Standard input. */
  readonly input?: string
  /** Sends requests that no tool sends, before the run. Returns texts that this and later commands stand for: NAME to text. */
  readonly prepare?: (port: number) => Promise<Readonly<Record<string, string>>>
  /** Applied besides those that every output gets. */
  readonly normalise?: readonly Normalisation[]
  /** What Ottla does not have yet. The tool must end there by itself; nothing is compared. */
  readonly endsOnly?: string
  /** Why Ottla's answer is another one on purpose, or for now. The test fails once it is the same. */
  readonly differs?: string
}

/** A family of tools: its cases for a version, in an order in which one may build on another. */
export interface ToolFamily {
  readonly title: string
  cases(version: string): readonly (string | ToolCase)[]
}

/** Text of a case in its shortest form. */
export function toolCase(each: string | ToolCase): ToolCase {
  return typeof each === 'string' ? { command: each } : each
}

/** Words of a command. */
export function words(command: string): string[] {
  return [...command.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain!)
}

/** True for the tools of 2.8.2, which know other options than those of 4.x. */
export function isOld(version: string): boolean {
  return version.startsWith('2.')
}
