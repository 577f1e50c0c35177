import type { Timers } from '../../storage/host/host.ts'

/** Up to this a request is small: it is not held up by what others have taken of a turn. */
const SMALL_BYTES = 8 * 1024
/** Of one connection in one turn: requests taken up, their bytes, bytes read. Twice what a busy client has under way. */
const OWN_REQUESTS = 64
const OWN_BYTES = 512 * 1024
/** Of all connections together. A megabyte of records takes about a millisecond to check and stage, a small request 10 us. */
const ALL_REQUESTS = 256
const ALL_BYTES = 1024 * 1024

/** A connection, as far as its share of a turn goes. */
export interface TurnMember {
  readonly share: TurnShare
  /** The next turn has begun: what it could not do in the last one may be done now. */
  goOn(): void
}

/** What a connection has had of a turn. */
export class TurnShare {
  turn = -1
  requests = 0
  requestBytes = 0
  readBytes = 0
  /** True from the moment that something was put off to the next turn. */
  isPutOff = false
}

/**
 * Shares each turn of the event loop among the connections: so many requests and bytes for each, and for all together.
 * Who wants more goes on in the next turn, in the order of asking. So one connection that sends without end costs the
 * others a bounded part of each turn, and a small request waits for no more than that.
 */
export class TurnShares {
  readonly #timers: Timers
  #turn = 0
  #requests = 0
  /** Of requests that are not small. */
  #largeBytes = 0
  #isEnding = false
  #putOff: TurnMember[] = []

  constructor(timers: Timers) {
    this.#timers = timers
  }

  /** Whether a request of so many bytes may be taken up now; if not, the member goes on in the next turn. */
  takeUp(member: TurnMember, bytes: number): boolean {
    const share = this.#shareOf(member)
    if (!this.#hasRoom(share, bytes)) {
      this.#putOffMember(member)
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

  /** So many bytes were read. Answers false where that was enough for this turn: the member goes on in the next one. */
  read(member: TurnMember, bytes: number): boolean {
    const share = this.#shareOf(member)
    share.readBytes += bytes
    if (share.readBytes < OWN_BYTES) return true
    this.#putOffMember(member)
    return false
  }

  /** The member is gone. */
  forget(member: TurnMember): void {
    if (member.share.isPutOff) this.#putOff = this.#putOff.filter((each) => each !== member)
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

  #putOffMember(member: TurnMember): void {
    if (member.share.isPutOff) return
    member.share.isPutOff = true
    this.#putOff.push(member)
  }

  #endTurn(): void {
    if (this.#isEnding) return
    this.#isEnding = true
    this.#timers.atTurnEnd(() => {
      // Who has had nothing comes first.
      const hadNothing = (member: TurnMember) => member.share.requests === 0
      const members = [...this.#putOff.filter(hadNothing), ...this.#putOff.filter((each) => !hadNothing(each))]
      this.#isEnding = false
      this.#turn++
      this.#requests = 0
      this.#largeBytes = 0
      this.#putOff = []
      for (const member of members) member.share.isPutOff = false
      for (const member of members) member.goOn()
    })
  }
}
