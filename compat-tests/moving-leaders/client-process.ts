import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { waitFor, within } from '../wait-for.ts'
import type { MovingClient } from './clients.ts'
import { Journal } from './journal.ts'
import { type Program, startProgram } from './start-program.ts'

const ENDS_WITHIN_MS = 90_000

/**
 * A program with a stock client: `PROGRAM BOOTSTRAP TOPIC PROTOCOLS RATE`. It has one producer, idempotent and with
 * acks=all, that sends RATE records a second. The n-th, from 0 on, has the value n and the key `k` and n modulo 32.
 * For each protocol (`classic`, `consumer`) it has two members of the group `TOPIC-PROTOCOL`, which commit what they read.
 * Its retries are patient, its sessions short; other settings are the client's own. It prints:
 *
 *   acked PARTITION OFFSET KEY NUMBER       a record was acknowledged
 *   failed KEY NUMBER ERROR                 the client gave up a record
 *   produced COUNT                          the producer is done, and has heard of all records
 *   assigned GROUP MEMBER PARTITION...      the member got these partitions, perhaps again
 *   revoked GROUP MEMBER PARTITION...       it lost them
 *   read GROUP MEMBER PARTITION OFFSET KEY NUMBER
 *   committed GROUP MEMBER PARTITION OFFSET the commit of a position was answered; not all clients tell
 *   uncommitted GROUP MEMBER ERROR          a commit was refused because the group rebalances, or given up; a later one
 *                                           has to succeed
 *   note GROUP MEMBER ERROR                 an error that the client retries
 *   error ...                               an error that a client gave to the application
 *   ended
 *
 * The line `stop` on its input ends the producer, `rejoin GROUP MEMBER` lets a member leave its group and come back, `end`
 * ends all of it.
 */
export class ClientProcess {
  readonly name: string
  readonly topic: string
  readonly journal: Journal
  readonly #child: Program
  #hasEnded = false

  private constructor({ name }: MovingClient, child: Program, groups: readonly string[], directory: string) {
    this.name = name
    this.topic = name
    this.journal = new Journal(groups)
    this.#child = child
    const said = createWriteStream(join(directory, `${name}.out`))
    child.stderr.pipe(createWriteStream(join(directory, `${name}.err`)))
    createInterface({ input: child.stdout }).on('line', (line) => {
      said.write(`${new Date().toISOString()} ${line}\n`)
      if (line === 'ended') this.#hasEnded = true
      else this.journal.write(line, performance.now())
    })
  }

  /** directory: gets what the client prints. */
  static async start(client: MovingClient, bootstrap: string, rate: number, directory: string): Promise<ClientProcess> {
    const args = [bootstrap, client.name, client.protocols.join(','), String(rate)]
    const child = startProgram([...(await client.command()), ...args])
    return new ClientProcess(client, child, groupsOf(client), directory)
  }

  /** Throws if the program has ended on its own. */
  check(): void {
    const { exitCode, signalCode } = this.#child
    if (exitCode !== null || signalCode !== null) throw new Error(`${this.name} ended: ${exitCode ?? signalCode}`)
  }

  /** A member leaves its group and comes back. */
  rejoin(group: string, member: number): void {
    this.#child.stdin.write(`rejoin ${group} ${member}\n`)
  }

  /** Ends the producer. Resolves once it has heard of all its records. */
  async stopProducing(): Promise<void> {
    this.#child.stdin.write('stop\n')
    await waitFor(
      `the producer of ${this.name} is done`,
      () => this.#isAlive() && this.journal.produced,
      ENDS_WITHIN_MS,
    )
  }

  #isAlive(): true {
    this.check()
    return true
  }

  /** Ends the members as well, and the program. Throws if it does not end well. */
  async end(): Promise<void> {
    this.#child.stdin.end('end\n')
    await this.#closed()
    if (!this.#hasEnded) throw new Error(`${this.name} ended with ${this.#child.exitCode ?? this.#child.signalCode}`)
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#closed()
  }

  async #closed(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    await within(`${this.name} ends`, once(this.#child, 'close'), ENDS_WITHIN_MS)
  }
}

/** Groups of a client's program. */
function groupsOf({ name, protocols }: MovingClient): readonly string[] {
  return protocols.map((protocol) => `${name}-${protocol}`)
}
