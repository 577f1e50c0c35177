import { apiByKey } from '../../protocol/apis/index.ts'
import { batchesOf } from '../../protocol/records/record-batch.ts'
import type { ApiSchema } from '../../protocol/schema.ts'
import { handlers } from '../../src/apis/index.ts'
import type { SeededRandom } from '../../storage/host/seeded-random.ts'
import { BrokerVictim } from './broker-victim.ts'
import { type Answer, exchange, type Outcome } from './exchange.ts'
import { GroupMembers } from './group-requests.ts'
import { type Counts, Finding, type FuzzKind, type Subject } from './kind.ts'
import { int16, int32 } from './mutations.ts'
import { randomBatches } from './random-batches.ts'
import { framed, mutatedRequest, randomRequest, requestOf } from './request-frames.ts'
import { LearnedVocabulary, topics } from './vocabulary.ts'

const CASES_BETWEEN_CHECKS = 25
const PRODUCE = apiByKey.get(0) as ApiSchema
const FETCH = apiByKey.get(1) as ApiSchema
const LIST_OFFSETS = apiByKey.get(2) as ApiSchema

/**
 * APIs that answer some invalid requests with UNKNOWN_SERVER_ERROR, as Kafka does: records that a codec cannot decompress
 * (Produce, Fetch), a topic without a name (Metadata, DescribeTopicPartitions), an unknown isolation level (ListOffsets),
 * an unknown operation (IncrementalAlterConfigs), a static member that joins with a pending member's id (JoinGroup), an
 * owner without a type (CreateDelegationToken), a negative epoch (WriteTxnMarkers), the last epoch (InitProducerId).
 */
const unexpectedInKafkaToo = new Set([
  'Produce',
  'Fetch',
  'Metadata',
  'DescribeTopicPartitions',
  'ListOffsets',
  'CreateDelegationToken',
  'WriteTxnMarkers',
  'InitProducerId',
  'IncrementalAlterConfigs',
  'JoinGroup',
])

/** One case against a broker: sends input and checks the outcome. */
type Attack = (round: BrokerRound, random: SeededRandom) => Promise<void>

/** A broker, what is known about it, and the counts of the current case. */
class BrokerRound implements Subject {
  readonly words = new LearnedVocabulary()
  readonly members = new GroupMembers()
  readonly #victim: BrokerVictim
  readonly #attack: Attack
  #cases = 0
  #counts: Record<string, number> = {}
  #input: (bytes: Buffer) => void = () => {}

  constructor(victim: BrokerVictim, attack: Attack) {
    this.#victim = victim
    this.#attack = attack
  }

  async run(random: SeededRandom, input: (bytes: Buffer) => void): Promise<Counts> {
    if (this.#cases++ % CASES_BETWEEN_CHECKS === 0) {
      for (const id of await this.#victim.restoreTopics()) this.words.learnTopicId(id)
    }
    this.#counts = {}
    this.#input = input
    this.#victim.takeLongestTurnMs()
    await this.#attack(this, random)
    if (this.#cases % CASES_BETWEEN_CHECKS === 0) await this.#victim.checkBystander()
    return this.#counts
  }

  takeLongestTurnMs(): number {
    return this.#victim.takeLongestTurnMs()
  }

  async close(): Promise<void> {
    await this.#victim.checkBystander()
    await this.#victim.stop()
  }

  async send(...chunks: Buffer[]): Promise<Outcome> {
    this.#input(Buffer.concat(chunks))
    const outcome = await exchange(this.#victim, chunks)
    this.count(outcome.ending)
    if (this.#victim.wasTextTooLong) this.count('answers with too much text')
    for (const answer of outcome.answers) this.#take(answer)
    this.#victim.wasTextTooLong = false
    return outcome
  }

  count(name: string): void {
    this.#counts[name] = (this.#counts[name] ?? 0) + 1
  }

  #take({ api, version, body }: Answer): void {
    const errors = new Set<number>()
    this.#look(body, errors)
    if (errors.has(-1) && !unexpectedInKafkaToo.has(api.name) && !this.#victim.wasTextTooLong) {
      throw new Finding(`${api.name} v${version} answers UNKNOWN_SERVER_ERROR: ${text(body)}`)
    }
    this.count(errors.size === 0 ? 'answers without error' : 'answers with error')
    this.count(`served ${api.name} v${version}`)
    if (errors.size === 0) this.count(`succeeded ${api.name}`)
  }

  /** Collects error codes, and values to reuse in later requests. */
  #look(value: object, errors: Set<number>): void {
    for (const [name, each] of Object.entries(value)) {
      if (Array.isArray(each)) {
        for (const element of each) if (isStruct(element)) this.#look(element, errors)
      } else if (isStruct(each)) this.#look(each, errors)
      else if (typeof each === 'number' && each !== 0 && /errorCode$/i.test(name)) errors.add(each)
      else this.words.learn(name, each)
    }
  }
}

function isStruct(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Buffer.isBuffer(value)
}

function text(body: object): string {
  return JSON.stringify(body, (_, value) => (typeof value === 'bigint' ? `${value}` : value)).slice(0, 2000)
}

/** A served API in a served version. */
function anyServed(random: SeededRandom): { api: ApiSchema; version: number } {
  const { api, versions } = random.pick(handlers)
  return { api, version: versions.oldest + random.below(versions.newest - versions.oldest + 1) }
}

function someRequest({ words }: BrokerRound, random: SeededRandom) {
  const { api, version } = anyServed(random)
  return randomRequest(api, version, random.below(1 << 30), random, words)
}

async function sendNoise(round: BrokerRound, random: SeededRandom): Promise<void> {
  const noise = random.bytes(1 + random.below(random.pick([8, 64, 512])))
  const { api, version } = anyServed(random)
  switch (random.below(4)) {
    case 0:
      await round.send(noise)
      break
    case 1:
      await round.send(framed(noise))
      break
    default: {
      const header = Buffer.concat([int16(api.key), int16(version), int32(1), int16(-1), Buffer.from([0])])
      await round.send(framed(Buffer.concat([header, sparse(noise, random)])))
    }
  }
}

/** Random bytes, mostly zeros: a valid message more often than pure noise. */
function sparse(noise: Buffer, random: SeededRandom): Buffer {
  for (let i = 0; i < noise.length; i++) if (!random.oneIn(6)) noise[i] = random.oneIn(5) ? 1 : 0
  return noise
}

async function sendRequest(round: BrokerRound, random: SeededRandom): Promise<void> {
  const request = someRequest(round, random)
  const { ending } = await round.send(framed(request.bytes))
  if (ending === 'closed') round.count(`closed at ${request.api.name}`)
}

async function sendMutant(round: BrokerRound, random: SeededRandom): Promise<void> {
  await round.send(framed(mutatedRequest(someRequest(round, random), random)))
}

/** Requests of group members, some with a fault. */
async function sendGroupRequest(round: BrokerRound, random: SeededRandom): Promise<void> {
  const { api, version, body } = round.members.request(random, round.words)
  const request = requestOf(api, version, random.below(1 << 30), body, random)
  const bytes = random.oneIn(5) ? mutatedRequest(request, random) : request.bytes
  const { answers } = await round.send(framed(bytes))
  for (const answer of answers) round.members.learn(body, answer)
}

/** Requests in chunks that end anywhere; sometimes the client leaves early, or a size is wrong. */
async function sendStream(round: BrokerRound, random: SeededRandom): Promise<void> {
  const frames = Array.from({ length: 1 + random.below(6) }, () => {
    const request = someRequest(round, random)
    return framed(random.oneIn(3) ? mutatedRequest(request, random) : request.bytes)
  })
  if (random.oneIn(6)) {
    const liar = random.pick(frames)
    int32(liar.readInt32BE() + random.pick([-1, 1, 5, -liar.length, 0x7000000, 1 << 31])).copy(liar)
  }
  const stream = Buffer.concat(frames)
  const end = random.oneIn(4) ? 1 + random.below(stream.length) : stream.length
  const chunks: Buffer[] = []
  for (let at = 0; at < end; ) {
    const size = random.oneIn(3) ? 1 + random.below(4) : 1 + random.below(stream.length)
    chunks.push(stream.subarray(at, Math.min(end, at + size)))
    at += size
  }
  await round.send(...chunks)
}

/** Faulty batches to every kind of topic; accepted ones must be readable in every format that a client may request. */
async function sendBatches(round: BrokerRound, random: SeededRandom): Promise<void> {
  const { words } = round
  const version = random.oneIn(4) ? random.below(3) : 3 + random.below(11)
  const name = random.pick(Object.keys(topics))
  const index = random.below(2)
  const topic = {
    name,
    topicId: random.pick(words.uuids),
    partitionData: [{ index, records: randomBatches(random, version) }],
  }
  const body = { acks: -1, timeoutMs: 1000, topicData: [topic], transactionalId: null }
  const { answers } = await round.send(framed(requestOf(PRODUCE, version, 1, body, random).bytes))
  const [response] = (answers[0]?.body.responses ?? []) as { partitionResponses: ProduceOutcome[] }[]
  const outcome = response?.partitionResponses[0]
  if (outcome === undefined || outcome.errorCode !== 0) {
    round.count('batches refused')
    return
  }
  round.count('batches taken')
  await fetchBack(round, random, { name, topicId: topic.topicId, index, offset: Number(outcome.baseOffset) }, version)
}

interface ProduceOutcome {
  readonly errorCode: number
  readonly baseOffset: number
}

interface Place {
  readonly name: string
  readonly topicId: string
  readonly index: number
  readonly offset: number
}

async function fetchBack(round: BrokerRound, random: SeededRandom, place: Place, produced: number): Promise<void> {
  const version = produced < 13 ? random.below(13) : 13 + random.below(FETCH.versions.newest - 12)
  const partition = {
    partition: place.index,
    currentLeaderEpoch: -1,
    fetchOffset: place.offset,
    logStartOffset: -1,
    partitionMaxBytes: 1 << 20,
  }
  const wanted = { topic: place.name, topicId: place.topicId, partitions: [partition] }
  const body = { maxWaitMs: 0, minBytes: 0, maxBytes: 1 << 20, sessionEpoch: -1, topics: [wanted] }
  const { answers } = await round.send(framed(requestOf(FETCH, version, 2, body, random).bytes))
  const [response] = (answers[0]?.body.responses ?? []) as { partitions: FetchOutcome[] }[]
  const outcome = response?.partitions[0]
  if (outcome?.errorCode === 0) checkRecords(outcome, version)
  else round.count(`fetched back with error ${outcome?.errorCode}`)
  if (!random.oneIn(4)) return
  const topic = {
    name: place.name,
    partitions: [{ partitionIndex: place.index, timestamp: random.pick([-3, 0, 1_767_225_600_000]) }],
  }
  const question = { replicaId: -1, isolationLevel: 0, topics: [topic] }
  await round.send(framed(requestOf(LIST_OFFSETS, 7 + random.below(4), 3, question, random).bytes))
}

interface FetchOutcome {
  readonly errorCode: number
  readonly records: readonly Buffer[] | null
}

function checkRecords({ records }: FetchOutcome, version: number): void {
  const { batches, corruption } = batchesOf(Buffer.concat(records ?? []))
  if (corruption !== undefined) throw new Finding(`Fetch v${version} gives what is no batch: ${corruption}`)
  const allowed = version < 2 ? 0 : version < 4 ? 1 : 2
  const strange = batches.find(({ magic }) => magic > allowed)
  if (strange !== undefined) throw new Finding(`Fetch v${version} gives records of format v${strange.magic}`)
}

function brokerKind(name: string, summary: string, share: number, attack: Attack): FuzzKind {
  return {
    name,
    summary,
    share,
    roundCases: 250,
    allocationLimit: (inputBytes) => 256 * 1024 * 1024 + 64 * inputBytes,
    open: async (seed) => new BrokerRound(await new BrokerVictim(seed).start(), attack),
  }
}

/** Number of served API versions, to compare with the number of those that were answered. */
export const servedVersions = handlers.reduce((sum, { versions }) => sum + versions.newest - versions.oldest + 1, 0)
export const servedApis: readonly string[] = handlers.map(({ api }) => api.name)

/** Kinds that use a whole broker. */
export const brokerKinds: readonly FuzzKind[] = [
  brokerKind('noise', 'random bytes as streams, frames and bodies of requests', 4, sendNoise),
  brokerKind(
    'requests',
    'requests of every api and version that are right in form, with random content',
    9,
    sendRequest,
  ),
  brokerKind('groups', 'requests of members that joined groups, some with faults', 6, sendGroupRequest),
  brokerKind('mutants', 'such requests with faults in lengths, strings, tags, headers', 13, sendMutant),
  brokerKind('batches', 'record batches of every format and codec with faults, fetched back if taken', 8, sendBatches),
  brokerKind('streams', 'several frames in chunks that end anywhere, cut streams, sizes that lie', 6, sendStream),
]
