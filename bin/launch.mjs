// Starts the built broker in this process. Plain JavaScript: it runs before anything is built or installed.
import module from 'node:module'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** Runs dist/ottla.js with these arguments, as if it had been called with them. */
export async function launch(args) {
  // Node.js 22 and newer keep compiled code between starts. It belongs into a directory of this user's own: what another
  // could write there would be run. One that cannot be written costs nothing but the gain.
  module.enableCompileCache?.(join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'ottla', 'compiled'))
  process.argv = [process.argv[0], 'ottla', ...args]
  // Resolves once the broker listens. The cache is otherwise written at an orderly end, which a killed process has not.
  await import('../dist/ottla.js')
  module.flushCompileCache?.()
}
