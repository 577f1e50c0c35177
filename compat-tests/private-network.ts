import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'

/**
 * A network of its own, with nothing but a loopback interface: programs started with `prefix` find every port free.
 * Where the system does not allow that, `prefix` is empty, and they share the machine's ports.
 */
export class PrivateNetwork {
  /** Comes before the argument list of a program. */
  readonly prefix: readonly string[]
  readonly #holder: ChildProcess | undefined

  private constructor(prefix: readonly string[], holder: ChildProcess | undefined) {
    this.prefix = prefix
    this.#holder = holder
  }

  static async make(): Promise<PrivateNetwork> {
    if (process.platform !== 'linux') return new PrivateNetwork([], undefined)
    const isRoot = process.getuid?.() === 0
    const hold = 'ip link set lo up && echo ready && exec cat'
    const holder = spawn('unshare', [...(isRoot ? [] : ['--map-root-user']), '--net', 'sh', '-c', hold], {
      stdio: ['pipe', 'pipe', 'ignore'],
    })
    const isMade = await Promise.race([
      once(holder.stdout, 'data').then(() => true),
      once(holder, 'exit').then(() => false),
      once(holder, 'error').then(() => false),
    ])
    if (!isMade) return new PrivateNetwork([], undefined)
    const user = isRoot ? [] : ['--user', '--preserve-credentials']
    return new PrivateNetwork(['nsenter', '--target', String(holder.pid), ...user, '--net'], holder)
  }

  /** Programs that still run in it go on. */
  close(): void {
    this.#holder?.kill('SIGKILL')
  }
}
