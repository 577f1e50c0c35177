import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { exclusively } from '../scripts/exclusively.ts'

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
  before(async function () {
    this.timeout(600_000)
    for (const requirement of requirements) {
      if (isFound(requirement)) continue
      if (!inCi) this.skip()
      await exclusively('apt', () => install(requirement))
      if (!isFound(requirement)) throw new Error(missing(requirement))
    }
  })
}

/** Why tests are skipped on this machine, a line for each program. */
export function missingPrograms(): string[] {
  return (Object.keys(programs) as Requirement[]).filter((each) => !isFound(each)).map(missing)
}

function missing(requirement: Requirement): string {
  const { command, apt } = programs[requirement]
  return `${command} is missing: on Debian, apt-get install ${apt}`
}

function isFound(requirement: Requirement): boolean {
  const { command } = programs[requirement]
  return (process.env.PATH ?? '').split(delimiter).some((directory) => existsSync(join(directory, command)))
}

/** Another process may have installed it meanwhile. */
async function install(requirement: Requirement): Promise<void> {
  if (isFound(requirement)) return
  execFileSync('apt-get', ['update', '-q'], { stdio: 'ignore' })
  spawnSync('apt-get', ['install', '-y', '-q', programs[requirement].apt], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  })
}
