import { opCodes as op } from '../../src/zookeeper/op-codes.ts'
import { bodies, type Connected, type TestClient } from '../../src/zookeeper/test-client.fixture.ts'
import type { SeededRandom } from '../../storage/host/seeded-random.ts'
import { type Counts, Finding, type FuzzKind, type Subject } from './kind.ts'
import { int32, mutated } from './mutations.ts'
import { randomConnect, randomRequest, sized } from './zookeeper-frames.ts'
import { ZooKeeperVictim } from './zookeeper-victim.ts'

const CASES_BETWEEN_CHECKS = 25
const FIRST_PROBE = 0x5eed0000
/** Virtual time after which a connection without an answer is a finding: longer than ZooKeeper waits for a session. */
const PATIENCE_MS = 15_000
const words = ['ruok', 'stat', 'srvr', 'mntr', 'conf', 'cons', 'envi', 'dump', 'wchs', 'wchc', 'wchp', 'isro', 'stmk']

/** One endpoint and the connection that sends it invalid frames. */
class ZooKeeperRound implements Subject {
  readonly #victim: ZooKeeperVictim
  #client: TestClient | undefined
  #session: Connected | undefined
  #cases = 0
  #xid = 0
  #counts: Record<string, number> = {}
  #input: (bytes: Buffer) => void = () => {}

  constructor(victim: ZooKeeperVictim) {
    this.#victim = victim
  }

  async run(random: SeededRandom, input: (bytes: Buffer) => void): Promise<Counts> {
    this.#counts = {}
    this.#input = input
    this.#victim.takeLongestTurnMs()
    const draw = random.below(20)
    if (draw === 0) await this.#sendNoise(random)
    else if (draw === 1) await this.#sendConnect(random)
    else if (draw === 2) await this.#sendWord(random)
    else await this.#sendRequests(random, draw < 12)
    if (++this.#cases % CASES_BETWEEN_CHECKS === 0) await this.#victim.checkBystander()
    this.#checkFaults()
    return this.#counts
  }

  takeLongestTurnMs(): number {
    return this.#victim.takeLongestTurnMs()
  }

  async close(): Promise<void> {
    this.#client?.close()
    await this.#victim.checkBystander()
    await this.#victim.checkRestart()
    this.#checkFaults()
  }

  /** One request, most with faults, or several in chunks that end anywhere, some with faults: many faults close. */
  async #sendRequests(random: SeededRandom, several: boolean): Promise<void> {
    const client = await this.#connected()
    const requests = Array.from({ length: several ? 2 + random.below(20) : 1 }, () => {
      const request = randomRequest(random, ++this.#xid)
      return random.oneIn(several ? 5 : 2) ? mutated(request, random) : request
    })
    const stream = Buffer.concat(requests.map(sized))
    this.#count('frames', requests.length)
    this.#input(stream)
    client.expectAnything()
    if (!several) client.raw(stream)
    else for (const chunk of chunksOf(stream, random)) client.raw(chunk)
    await this.#expectAnswers(client)
  }

  async #sendNoise(random: SeededRandom): Promise<void> {
    const client = random.oneIn(2) ? await this.#connected() : await this.#victim.dial()
    const noise = random.bytes(1 + random.below(200))
    const bytes = random.oneIn(2) ? sized(noise) : noise
    this.#count('frames', 1)
    this.#input(bytes)
    client.expectAnything()
    client.raw(bytes)
    // A claim of more bytes: the client gives up, and the connection must not be left behind.
    await this.#victim.host.advance(10)
    client.close()
    if (client === this.#client) this.#client = undefined
  }

  async #sendConnect(random: SeededRandom): Promise<void> {
    const { sessionId = 0n, password = Buffer.alloc(16) } = this.#session ?? {}
    const request = randomConnect(random, sessionId, password)
    const bytes = sized(random.oneIn(3) ? request : mutated(request, random))
    const client = await this.#victim.dial()
    this.#count('frames', 1)
    this.#input(bytes)
    client.expectAnything()
    client.raw(bytes)
    const ended = Promise.race([client.closed, client.anything])
    await this.#within(ended, 'a request for a session is neither answered nor refused')
    client.close()
  }

  async #sendWord(random: SeededRandom): Promise<void> {
    const word = random.pick(words)
    const rest = random.bytes(random.below(12))
    const client = await this.#victim.dial()
    this.#count('frames', 1)
    this.#input(Buffer.concat([Buffer.from(word), rest]))
    await this.#within(client.word(word, rest), `${word} does not end`)
    if (client.text === '' && word !== 'stmk') throw new Finding(`${word} has no answer`)
  }

  /** Every frame is answered before a request that is sent after them, or the connection is closed. */
  async #expectAnswers(client: TestClient): Promise<void> {
    const xid = FIRST_PROBE + this.#xid
    client.raw(sized(Buffer.concat([int32(xid), int32(op.sync), bodies.path('/probe')])))
    const answered = client.answerTo(xid)
    await this.#within(Promise.race([client.closed, answered]), 'requests are neither answered nor refused')
    this.#count(client.isClosed ? 'closed' : 'answered', 1)
    if (client.isClosed) this.#client = undefined
  }

  async #connected(): Promise<TestClient> {
    if (this.#client !== undefined && !this.#client.isClosed) return this.#client
    const client = await this.#victim.dial()
    const session = await this.#victim.host.settle(client.connect())
    if (session === undefined) throw new Finding('a new session is refused')
    this.#client = client
    this.#session = session
    return client
  }

  async #within(event: Promise<unknown>, otherwise: string): Promise<void> {
    let isOver = false
    event.then(() => {
      isOver = true
    })
    for (let waitedMs = 0; !isOver && waitedMs < PATIENCE_MS; waitedMs += 20) await this.#victim.host.advance(20)
    if (!isOver) throw new Finding(otherwise)
  }

  #count(name: string, by: number): void {
    this.#counts[name] = (this.#counts[name] ?? 0) + by
  }

  #checkFaults(): void {
    const faults = this.#victim.takeFaults()
    if (faults.length > 0) throw new Finding(`the endpoint found a fault of its own:\n${faults.join('\n')}`)
  }
}

function chunksOf(stream: Buffer, random: SeededRandom): Buffer[] {
  const chunks: Buffer[] = []
  for (let at = 0; at < stream.length; ) {
    const size = 1 + random.below(stream.length - at)
    chunks.push(stream.subarray(at, at + size))
    at += size
  }
  return chunks
}

/** Invalid frames, requests and words to the endpoint that speaks ZooKeeper's protocol. */
export const zooKeeperKind: FuzzKind = {
  name: 'zookeeper',
  summary: 'requests of ZooKeeper’s protocol with faults, streams, requests for sessions, four-letter words',
  share: 0,
  roundCases: 500,
  allocationLimit: (inputBytes) => (8 << 20) + 64 * inputBytes,
  async open(seed) {
    return new ZooKeeperRound(await new ZooKeeperVictim(seed).start())
  },
}
