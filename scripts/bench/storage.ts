import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import { join, resolve } from 'node:path'
import { build } from 'esbuild'
import type { Section } from './section.ts'
import type { StorageCost } from './storage-loop.ts'

const cache = resolve(import.meta.dirname, '../../.cache')

/** CPU cost of a partition's log and of a bare loop; compiled like the broker itself, in a separate process. */
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

/** Output of a program in this folder. */
async function outputOf(program: string, args: readonly string[]): Promise<string> {
  // Inside the tree, so that unbundled packages are found in its node_modules.
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
