/**
 * Property tests get the same cases in every run: a change is never refused for a fault that is older. New cases are run by
 * `npm run proof -- properties`, which sets PROPERTY_SEED.
 */
import { createRequire } from 'node:module'
import imported from 'fast-check'

// Mocha loads test files with `require`: they get another copy of the package than an `import` does.
const required: typeof imported = createRequire(import.meta.url)('fast-check')
const seed = Number(process.env.PROPERTY_SEED ?? 20261201)
for (const fc of [imported, required]) fc.configureGlobal({ ...fc.readConfigureGlobal(), seed })
