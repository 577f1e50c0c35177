import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import { join, resolve } from 'node:path'
import { build } from 'esbuild'
import type { Section } from './section.ts'
import type { StorageCost } from './storage-loop.ts'

const cache = resolve(import.meta.dirname, '../../.cache')

/** CPU of a partition's log beside that of a bare loop; compiled like the broker itself, in a process of its own. */
export const storage: Section = {
  name: 'storage',
  cold: true,
  runs: 1,
  alone: true,
  async run(_, { quick }) {
    const costs = JSON.parse(await outputOf('storage-loop.ts', quick ? ['--quick'] : [])) as StorageCost[]
    return costs.flatMap(({ name, ours, bare }) => [
      { name, unit: 's/GB', value: ours, best: 'lowest' as const },
      { name, unit: 's/GB', value: bare, best: 'lowest' as const, of: 'bare loop' },
    ])
  },
}

/** What a program beside this file prints. */
async function outputOf(program: string, args: readonly string[]): Promise<string> {
  // Inside the tree: what is not bundled is found in its node_modules.
  fs.mkdirSync(cache, { recursive: true })
  const directory = fs.mkdtempSync(join(cache, 'bench-'))
  try {
    const outfile = join(directory, 'program.mjs')
    await build({
      entryPoints: [join(import.meta.dirname, program)],
      outfile,
      bundle: true,
      platform: 'node',
      target: 'node20.19',
      format: 'esm',
      external: ['@node-rs/crc32'],
      logLevel: 'warning',
    })
    return execFileSync(process.execPath, [outfile, ...args], { encoding: 'utf8' })
  } finally {
    fs.rmSync(directory, { recursive: true })
  }
}
