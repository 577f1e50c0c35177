// Starts the built broker in this process. Plain JavaScript: it runs before anything is built or installed.
import module from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Runs dist/ottla.js with these arguments, as if it had been called with them. */
export async function launch(args) {
  // Node.js 22 and newer keep compiled code between starts; the directory may not be ours to write, which costs
  // nothing but the gain.
  module.enableCompileCache?.(join(tmpdir(), 'ottla-compile-cache'))
  process.argv = [process.argv[0], 'ottla', ...args]
  // Resolves once the broker listens. The cache is otherwise written at an orderly end, which a killed process has not.
  await import('../dist/ottla.js')
  module.flushCompileCache?.()
}
