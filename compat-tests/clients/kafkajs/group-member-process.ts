import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { waitFor } from '../../wait-for.ts'

/** A group member in its own process, so that it can be killed without leaving the group. */
export class GroupMemberProcess {
  readonly #child: ChildProcess
  #output = ''

  private constructor(child: ChildProcess) {
    this.#child = child
    const collect = (chunk: Buffer) => {
      this.#output += chunk.toString('utf8')
    }
    child.stdout!.on('data', collect)
    child.stderr!.on('data', collect)
  }

  static async start(bootstrap: string, groupId: string, topic: string): Promise<GroupMemberProcess> {
    const script = join(import.meta.dirname, 'group-member.ts')
    const args = ['--import', 'tsx', script, bootstrap, groupId, topic]
    return new GroupMemberProcess(spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] }))
  }

  /** Resolves once it has processed `count` messages. */
  async hasRead(count: number): Promise<void> {
    const read = () => this.#output.split('\n').filter((line) => line.startsWith('read ')).length >= count
    await waitFor(`the other process reads ${count} messages`, read, 30_000).catch((error) => {
      throw new Error(`${error.message}:\n${this.#output}`, { cause: error })
    })
  }

  async kill9(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const closed = once(this.#child, 'close')
    this.#child.kill('SIGKILL')
    await closed
  }
}
