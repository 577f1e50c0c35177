import type { Timers } from '../../storage/host/host.ts'

/** Largest small request. Small requests are not delayed by the bytes of others. */
const SMALL_BYTES = 8 * 1024
/** Limits of one connection per turn: requests started, their bytes, bytes read. Twice the load of a busy client. */
const OWN_REQUESTS = 64
const OWN_BYTES = 512 * 1024
/**
 * Limits of all connections per turn. Checking and staging a megabyte of records takes about a millisecond, a small
 * request 10 us.
 */
const ALL_REQUESTS = 256
const ALL_BYTES = 1024 * 1024

/** A connection as TurnShares sees it. */
export interface TurnMember {
  readonly share: TurnShare
  /** Called in the next turn after the member was deferred. */
  onNextTurn(): void
}

/** What a connection has used of a turn. */
export class TurnShare {
  turn = -1
  requests = 0
  requestBytes = 0
  readBytes = 0
  /** True while the member waits for the next turn. */
  isDeferred = false
}

/**
 * Divides each turn of the event loop among connections: limits on requests and bytes for each connection and for all
 * together. A connection that reaches a limit continues in the next turn, in order of asking. So one busy connection
 * takes a bounded part of each turn, and a small request waits no longer than that.
 */
export class TurnShares {
  readonly #timers: Timers
  #turn = 0
  #requests = 0
  /** Bytes of requests that are not small. */
  #largeBytes = 0
  #isEnding = false
  #deferred: TurnMember[] = []

  constructor(timers: Timers) {
    this.#timers = timers
  }

  /** Whether a request of this size may start now. If not, the member continues in the next turn. */
  tryStart(member: TurnMember, bytes: number): boolean {
    const share = this.#shareOf(member)
    if (!this.#hasRoom(share, bytes)) {
      this.#defer(member)
      return false
    }
    share.requests++
    share.requestBytes += bytes
    this.#requests++
    if (bytes > SMALL_BYTES) this.#largeBytes += bytes
    return true
  }

  #hasRoom(share: TurnShare, bytes: number): boolean {
    if (this.#requests >= ALL_REQUESTS || share.requests >= OWN_REQUESTS) return false
    const isFirst = this.#largeBytes === 0
    if (bytes <= SMALL_BYTES || isFirst) return share.requestBytes < OWN_BYTES
    return share.requestBytes + bytes <= OWN_BYTES && this.#largeBytes + bytes <= ALL_BYTES
  }

  /** Counts bytes read. Returns false if the member has read enough for this turn; it continues in the next one. */
  read(member: TurnMember, bytes: number): boolean {
    const share = this.#shareOf(member)
    share.readBytes += bytes
    if (share.readBytes < OWN_BYTES) return true
    this.#defer(member)
    return false
  }

  /** Removes a closed member. */
  forget(member: TurnMember): void {
    if (member.share.isDeferred) this.#deferred = this.#deferred.filter((each) => each !== member)
  }

  #shareOf({ share }: TurnMember): TurnShare {
    this.#endTurn()
    if (share.turn !== this.#turn) {
      share.turn = this.#turn
      share.requests = 0
      share.requestBytes = 0
      share.readBytes = 0
    }
    return share
  }

  #defer(member: TurnMember): void {
    if (member.share.isDeferred) return
    member.share.isDeferred = true
    this.#deferred.push(member)
  }

  #endTurn(): void {
    if (this.#isEnding) return
    this.#isEnding = true
    this.#timers.atTurnEnd(() => {
      // Members without a request in this turn go first.
      const startedNothing = (member: TurnMember) => member.share.requests === 0
      const members = [
        ...this.#deferred.filter(startedNothing),
        ...this.#deferred.filter((each) => !startedNothing(each)),
      ]
      this.#isEnding = false
      this.#turn++
      this.#requests = 0
      this.#largeBytes = 0
      this.#deferred = []
      for (const member of members) member.share.isDeferred = false
      for (const member of members) member.onNextTurn()
    })
  }
}
