import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { exclusively } from '../scripts/exclusively.ts'
import { runCommandWell } from './run-command.ts'

/** Cache that persists between runs, for slow installations that are the same in every run. */
export const clientCache = join(tmpdir(), 'ottla-test-clients')

/** Limits of an installation, for `runCommand`. */
export const INSTALL = { timeoutMs: 300_000 }

/** Runs `install` in a new folder of the cache unless that was done before, here or in another process. */
export async function installed(name: string, install: (home: string) => Promise<unknown>): Promise<string> {
  const home = join(clientCache, name)
  const done = join(home, 'ok')
  if (existsSync(done)) return home
  return exclusively(`install-${name}`, async () => {
    if (existsSync(done)) return home
    rmSync(home, { recursive: true, force: true })
    mkdirSync(home, { recursive: true })
    await install(home)
    writeFileSync(done, '')
    return home
  })
}

/** Python with kazoo, ZooKeeper's client. */
export async function kazooPython(): Promise<string> {
  const home = await installed('kazoo', async (home) => {
    await runCommandWell(['python3', '-m', 'venv', home], INSTALL)
    await runCommandWell([join(home, 'bin', 'pip'), 'install', '-q', 'kazoo==2.11.0'], INSTALL)
  })
  return join(home, 'bin', 'python')
}
