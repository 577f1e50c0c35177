import type { SimulatedClient, SimulatedConnection } from '../../src/network/simulated-transport.ts'
import type { Timers } from '../../storage/host/host.ts'
import type { SeededRandom } from '../../storage/host/seeded-random.ts'

/** One chunk in so many, of either direction, meets a fault. */
const CHUNKS_PER_FAULT = 40
/** Time in which the first part of a cut message arrives. */
const CUT_AFTER_MS = 1

/** What happened to connections. */
export interface NetworkCounts {
  cutRequests: number
  cutResponses: number
  delays: number
  /** Connections that clients gave up and brokers did not. */
  halfOpen: number
}

/** A connection that may fail. */
export interface FaultyConnection extends SimulatedConnection {
  /** The network ended it. */
  readonly wasCut: boolean
}

/** A network between clients and brokers that cuts, delays and forgets connections. */
export class NetworkFaults {
  readonly counts: NetworkCounts = { cutRequests: 0, cutResponses: 0, delays: 0, halfOpen: 0 }
  /** False: no further faults. */
  isFaulty = true
  readonly random: SeededRandom
  readonly timers: Timers

  constructor(random: SeededRandom, timers: Timers) {
    this.random = random
    this.timers = timers
  }

  connect(client: SimulatedClient, open: (client: SimulatedClient) => SimulatedConnection): FaultyConnection {
    return new Wire(this, client, open)
  }

  /** Whether the next chunk meets a fault. */
  strikes(): boolean {
    return this.isFaulty && this.random.oneIn(CHUNKS_PER_FAULT)
  }
}

type Delayed = { readonly toBroker: boolean; readonly bytes: Buffer }

class Wire implements FaultyConnection {
  readonly #network: NetworkFaults
  readonly #client: SimulatedClient
  readonly #inner: SimulatedConnection
  /** The client knows that the connection is closed. */
  #isGone = false
  /** Nothing passes any more. */
  #isCut = false
  wasCut = false
  /** Chunks held back, in order; undefined: nothing is held back. */
  #delayed: Delayed[] | undefined

  constructor(network: NetworkFaults, client: SimulatedClient, open: (client: SimulatedClient) => SimulatedConnection) {
    this.#network = network
    this.#client = client
    this.#inner = open({
      onBytes: (bytes) => this.#pass({ toBroker: false, bytes }),
      onClose: () => this.#gone(),
    })
  }

  get stalled(): boolean {
    return this.#inner.stalled
  }
  set stalled(stalled: boolean) {
    this.#inner.stalled = stalled
  }
  get isRead(): boolean {
    return this.#inner.isRead
  }

  send(bytes: Buffer): void {
    this.#pass({ toBroker: true, bytes })
  }

  close(error?: Error): void {
    this.#isCut = true
    this.#inner.close(error)
  }

  #pass(chunk: Delayed): void {
    if (this.#isCut) return
    if (this.#delayed !== undefined) this.#delayed.push(chunk)
    else if (this.#network.strikes()) this.#fail(chunk)
    else this.#deliver(chunk)
  }

  #deliver({ toBroker, bytes }: Delayed): void {
    if (bytes.length === 0 || this.#isGone) return
    if (toBroker) this.#inner.send(bytes)
    else this.#client.onBytes(bytes)
  }

  #fail(chunk: Delayed): void {
    const { random, counts } = this.#network
    const dice = random.below(4)
    if (dice < 2) this.#cut(chunk)
    else if (dice === 2) this.#delay(chunk)
    else {
      counts.halfOpen++
      this.#forget(chunk)
    }
  }

  /** A part of the chunk arrives, then the connection ends for both sides. */
  #cut({ toBroker, bytes }: Delayed): void {
    const { random, counts, timers } = this.#network
    if (toBroker) counts.cutRequests++
    else counts.cutResponses++
    this.#deliver({ toBroker, bytes: bytes.subarray(0, random.below(bytes.length + 1)) })
    this.#isCut = true
    timers.after(CUT_AFTER_MS, () => {
      this.wasCut = true
      this.#inner.close()
    })
  }

  #delay(chunk: Delayed): void {
    const { random, counts, timers } = this.#network
    counts.delays++
    this.#delayed = [chunk]
    timers.after(random.pick([1, 20, 500, 5000]), () => {
      const delayed = this.#delayed ?? []
      this.#delayed = undefined
      for (const each of delayed) if (!this.#isCut) this.#deliver(each)
    })
  }

  /** The client gives the connection up, and the broker learns of it later. A request in flight may still arrive. */
  #forget({ toBroker, bytes }: Delayed): void {
    const { random, timers } = this.#network
    if (toBroker && random.oneIn(2)) this.#inner.send(bytes)
    this.#inner.stalled = true
    this.#isCut = true
    this.wasCut = true
    timers.after(random.pick([10, 1000, 60_000]), () => this.#inner.close())
    timers.atTurnEnd(() => this.#gone())
  }

  #gone(): void {
    if (this.#isGone) return
    this.#isGone = true
    this.#isCut = true
    this.#client.onClose()
  }
}
