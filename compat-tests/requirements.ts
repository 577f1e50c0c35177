import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Programs that some tests need and npm cannot install. `apt` is the Debian package that contains them. */
const programs = {
  java: { command: 'java', apt: 'openjdk-17-jdk-headless' },
  maven: { command: 'mvn', apt: 'maven' },
  kcat: { command: 'kcat', apt: 'kcat' },
  python: { command: 'python3', apt: 'python3-venv' },
  go: { command: 'go', apt: 'golang-go' },
  rust: { command: 'cargo', apt: 'cargo' },
  shellcheck: { command: 'shellcheck', apt: 'shellcheck' },
} as const
export type Requirement = keyof typeof programs

const inCi = process.env.CI === 'true'

/**
 * Declares, at the top of a describe, what its tests need on the machine. If something is missing, the tests are
 * skipped with a line that names it. With CI=true the Debian package is installed, and anything still missing is a
 * failure.
 */
export function needs(...requirements: Requirement[]): void {
  before(function () {
    this.timeout(300_000)
    for (const requirement of requirements) {
      const { command, apt } = programs[requirement]
      if (found(command)) continue
      if (inCi && installed(apt, command)) continue
      const missing = `${command} is missing: on Debian, apt-get install ${apt}`
      if (inCi) throw new Error(missing)
      skipped.add(missing)
      this.skip()
    }
  })
}

/** Why tests were skipped, for the summary of a run. */
export const skipped = new Set<string>()

function found(command: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((directory) => existsSync(join(directory, command)))
}

function installed(apt: string, command: string): boolean {
  execFileSync('apt-get', ['update', '-q'], { stdio: 'ignore' })
  spawnSync('apt-get', ['install', '-y', '-q', apt], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  })
  return found(command)
}
