import { RawClient } from '../../compat-tests/raw-client.ts'
import { Heartbeat } from '../../protocol/apis/heartbeat.ts'
import { JoinGroup } from '../../protocol/apis/join-group.ts'
import { SyncGroup } from '../../protocol/apis/sync-group.ts'
import { errorName } from '../../protocol/error-codes.ts'

const TIMEOUT_MS = 60_000
const AT_ONCE = 25

/** A member of a classic group on its own connection, as cheap as possible, so that the broker is measured. */
export class BenchMember {
  generationId = -1
  isLeader = false
  /** It has its assignment and has not been told of a rebalance since. */
  isSettled = false
  readonly #client: RawClient
  readonly #groupId: string
  #memberId = ''
  #waiting: Promise<void> | undefined
  #failure: Error | undefined

  private constructor(client: RawClient, groupId: string) {
    this.#client = client
    this.#groupId = groupId
  }

  /**
   * Connects members one by one, each in the group of its number. All at once would overflow the broker's accept queue
   * (50 with Kafka's defaults), and TCP could take a minute to recover.
   */
  static async connectAll(port: number, count: number, groupOf: (i: number) => string): Promise<BenchMember[]> {
    const members: BenchMember[] = []
    while (members.length < count) {
      const from = members.length
      const lot = Array.from({ length: Math.min(AT_ONCE, count - from) }, async (_, i) => {
        const member = new BenchMember(await RawClient.connect(port, `m${from + i}`), groupOf(from + i))
        await member.beat() // once answered, the broker has accepted the connection
        return member
      })
      members.push(...(await Promise.all(lot)))
    }
    return members
  }

  /** Takes the next step; returns at once if a response is outstanding. */
  async step(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure
    if (this.#waiting !== undefined) return new Promise((resolve) => setTimeout(resolve, 1))
    if (this.isSettled) return this.beat()
    this.rejoin()
    return new Promise((resolve) => setImmediate(resolve))
  }

  rejoin(): void {
    this.isSettled = false
    this.#waiting = this.#enter()
      .catch((error: Error) => {
        this.#failure = error // the next step reports it
      })
      .finally(() => {
        this.#waiting = undefined
      })
  }

  async beat(): Promise<void> {
    const { errorCode } = await this.#client.send(Heartbeat, 0, this.#claim)
    if (errorCode !== 0) this.isSettled = false
  }

  close(): void {
    this.#client.close()
  }

  get #claim() {
    return { groupId: this.#groupId, generationId: this.generationId, memberId: this.#memberId } as never
  }

  async #enter(): Promise<void> {
    const joined = await this.#client.send(JoinGroup, 2, {
      groupId: this.#groupId,
      sessionTimeoutMs: TIMEOUT_MS,
      rebalanceTimeoutMs: TIMEOUT_MS,
      memberId: this.#memberId,
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: Buffer.alloc(32) }],
    } as never)
    if (joined.errorCode !== 0) return this.#failed(joined.errorCode)
    this.#memberId = joined.memberId
    this.generationId = joined.generationId
    this.isLeader = joined.leader === joined.memberId
    const assignments = joined.members.map(({ memberId }) => ({ memberId, assignment: Buffer.alloc(32) }))
    const synced = await this.#client.send(SyncGroup, 1, { ...(this.#claim as object), assignments } as never)
    if (synced.errorCode === 0) this.isSettled = true
    else this.#failed(synced.errorCode)
  }

  #failed(code: number): void {
    const error = errorName(code)
    if (error === 'UNKNOWN_MEMBER_ID') this.#memberId = ''
    else if (error !== 'REBALANCE_IN_PROGRESS' && error !== 'ILLEGAL_GENERATION') throw new Error(error)
  }
}
