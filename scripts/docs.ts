/**
 * Prints the pages of docs/ that are generated from the code: `npm run docs` writes them, `npm run docs -- --check`
 * lists the stale ones and fails if there are any.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { protocolPage } from './protocol-page.ts'
import { settingsPage } from './settings-page.ts'
import { toolsPage } from './tools-page.ts'

const root = resolve(import.meta.dirname, '..')

/** Every printed page, by its path from the root. */
const pages: Readonly<Record<string, () => string>> = {
  'docs/protocol.md': protocolPage,
  'docs/settings.md': settingsPage,
  'docs/tools.md': toolsPage,
}

const onlyCheck = process.argv.includes('--check')
for (const [path, print] of Object.entries(pages)) {
  const file = join(root, path)
  const fresh = print()
  if (existsSync(file) && readFileSync(file, 'utf8') === fresh) continue
  if (onlyCheck) {
    console.error(`${path} is stale: npm run docs`)
    process.exitCode = 1
    continue
  }
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, fresh)
  console.log(`wrote ${path}`)
}
