/**
 * Property tests get the same cases in every run: a change is never refused for a fault that is older. New cases are run by
 * `npm run proof -- properties`, which sets PROPERTY_SEED.
 */
import fc from 'fast-check'

fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(process.env.PROPERTY_SEED ?? 20261201) })
