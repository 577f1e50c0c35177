import { expect } from 'chai'
import { Fetch, type FetchRequest } from '../../protocol/apis/fetch.ts'
import { defaultsOf, ZERO_UUID } from '../../protocol/schema.ts'
import { SeededRandom } from '../../storage/host/seeded-random.ts'
import { atOnce } from '../../storage/host/turn-slices.ts'
import { FetchSessions, type PartitionOutcome } from './fetch-sessions.ts'

const TOPIC_ID = 'BAAAAAAAAAAAAAAAAAAAAA'
const VERSION = 12
const names = (id: string) => (id === TOPIC_ID ? 'named' : undefined)

function request(changes: Partial<FetchRequest>, partitions: Record<number, number> = {}): FetchRequest {
  const wanted = Object.entries(partitions).map(([partition, fetchOffset]) => ({
    partition: Number(partition),
    currentLeaderEpoch: -1,
    fetchOffset,
    lastFetchedEpoch: -1,
    logStartOffset: -1,
    partitionMaxBytes: 1000,
    replicaDirectoryId: ZERO_UUID,
    highWatermark: -1,
  }))
  const topics = wanted.length === 0 ? [] : [{ topic: 't', topicId: ZERO_UUID, partitions: wanted }]
  return { ...defaultsOf(Fetch.request.fields), topics, ...changes }
}

function outcome(partition: number, changes: Partial<PartitionOutcome> = {}): PartitionOutcome {
  return {
    topic: 't',
    topicId: ZERO_UUID,
    partition,
    errorCode: 0,
    highWatermark: 10,
    logStartOffset: 0,
    recordBytes: 0,
    mustRespond: false,
    ...changes,
  }
}

function resolved(sessions: FetchSessions, asked: FetchRequest, nowMs = 0, version = VERSION, lookUp = names) {
  const context = atOnce(sessions.resolve(asked, version, lookUp, nowMs))
  if (typeof context === 'string') throw new Error(context)
  const finish = <O extends PartitionOutcome>(outcomes: O[], now: number) => atOnce(context.finish(outcomes, now))
  return { partitions: context.partitions, finish }
}

/** A session with partitions 0 and 1, both read at high watermark 10. */
function open(sessions: FetchSessions, nowMs = 0): number {
  const context = resolved(sessions, request({ sessionEpoch: 0 }, { 0: 5, 1: 6 }), nowMs)
  return context.finish([outcome(0), outcome(1)], nowMs).sessionId
}

function numbersOf(outcomes: readonly PartitionOutcome[]): number[] {
  return outcomes.map(({ partition }) => partition)
}

describe('fetch sessions', () => {
  const make = (slots = 10) => new FetchSessions(() => slots, new SeededRandom(1))

  it('give no session to a fetch that wants none', () => {
    const sessions = make()
    const context = resolved(sessions, request({ sessionEpoch: -1 }, { 0: 5 }))
    expect(context.finish([outcome(0)], 0).sessionId).to.equal(0)
    expect(sessions.count).to.equal(0)
  })

  it('remember the partitions of a full fetch, and answer all of them', () => {
    const sessions = make()
    const sessionId = open(sessions)
    expect(sessionId).to.be.greaterThan(0)
    const context = resolved(sessions, request({ sessionId, sessionEpoch: 1 }))
    expect([...context.partitions].map(({ partition, fetchOffset }) => [partition, fetchOffset])).to.deep.equal([
      [0, 5],
      [1, 6],
    ])
  })

  it('answer an incremental fetch with changes only', () => {
    const sessions = make()
    const sessionId = open(sessions)
    const told = (outcomes: PartitionOutcome[], sessionEpoch: number) =>
      numbersOf(resolved(sessions, request({ sessionId, sessionEpoch })).finish(outcomes, 0).outcomes)
    expect(told([outcome(0), outcome(1)], 1)).to.deep.equal([])
    expect(told([outcome(0, { highWatermark: 11 }), outcome(1)], 2)).to.deep.equal([0])
    expect(told([outcome(0, { highWatermark: 11 }), outcome(1, { logStartOffset: 3 })], 3)).to.deep.equal([1])
    expect(told([outcome(0, { highWatermark: 11, recordBytes: 9 }), outcome(1, { logStartOffset: 3 })], 4)).to.eql([0])
    expect(told([outcome(0, { highWatermark: 11 }), outcome(1, { logStartOffset: 3, mustRespond: true })], 5)).to.eql([
      1,
    ])
  })

  it('answer an error each time, and its end', () => {
    const sessions = make()
    const sessionId = open(sessions)
    const failed = outcome(0, { errorCode: 6, highWatermark: -1, logStartOffset: -1 })
    const told = (first: PartitionOutcome, sessionEpoch: number) =>
      numbersOf(resolved(sessions, request({ sessionId, sessionEpoch })).finish([first, outcome(1)], 0).outcomes)
    expect(told(failed, 1)).to.deep.equal([0])
    expect(told(failed, 2)).to.deep.equal([0])
    expect(told(outcome(0), 3)).to.deep.equal([0])
    expect(told(outcome(0), 4)).to.deep.equal([])
  })

  it('move a partition with data behind those without', () => {
    const sessions = make()
    const sessionId = open(sessions)
    resolved(sessions, request({ sessionId, sessionEpoch: 1 })).finish([outcome(0, { recordBytes: 5 }), outcome(1)], 0)
    const next = resolved(sessions, request({ sessionId, sessionEpoch: 2 }))
    expect([...next.partitions].map(({ partition }) => partition)).to.deep.equal([1, 0])
  })

  it('follow what a client adds, changes and forgets', () => {
    const sessions = make()
    const sessionId = open(sessions)
    const forgottenTopicsData = [{ topic: 't', topicId: ZERO_UUID, partitions: [1] }]
    const context = resolved(sessions, request({ sessionId, sessionEpoch: 1, forgottenTopicsData }, { 0: 50, 2: 7 }))
    expect([...context.partitions].map(({ partition, fetchOffset }) => [partition, fetchOffset])).to.deep.equal([
      [0, 50],
      [2, 7],
    ])
  })

  it('end with their last partition', () => {
    const sessions = make()
    const sessionId = open(sessions)
    const forgottenTopicsData = [{ topic: 't', topicId: ZERO_UUID, partitions: [0, 1] }]
    const context = resolved(sessions, request({ sessionId, sessionEpoch: 1, forgottenTopicsData }))
    expect(context.finish([], 0).sessionId).to.equal(0)
    expect(sessions.count).to.equal(0)
  })

  it('end with a full fetch that names them', () => {
    const sessions = make()
    const sessionId = open(sessions)
    resolved(sessions, request({ sessionId, sessionEpoch: -1 }, { 0: 1 }))
    expect(sessions.count).to.equal(0)
  })

  it('refuse a wrong id, a wrong epoch, and names in place of ids', () => {
    const sessions = make()
    const sessionId = open(sessions)
    const refused = (changes: Partial<FetchRequest>, version = VERSION) =>
      atOnce(sessions.resolve(request(changes), version, names, 0))
    expect(refused({ sessionId: sessionId + 1, sessionEpoch: 1 })).to.equal('FETCH_SESSION_ID_NOT_FOUND')
    expect(refused({ sessionId, sessionEpoch: 2 })).to.equal('INVALID_FETCH_SESSION_EPOCH')
    expect(refused({ sessionId, sessionEpoch: 1 }, 13)).to.equal('FETCH_SESSION_TOPIC_ID_ERROR')
  })

  it('refuse the answer of a request that a later one overtook', () => {
    const sessions = make()
    const sessionId = open(sessions)
    const first = resolved(sessions, request({ sessionId, sessionEpoch: 1 }))
    resolved(sessions, request({ sessionId, sessionEpoch: 2 }))
    expect(first.finish([outcome(0), outcome(1)], 0).error).to.equal('INVALID_FETCH_SESSION_EPOCH')
  })

  it('find the name of a topic id that was unknown at first', () => {
    const sessions = make()
    let known = false
    const lookUp = (id: string) => (known ? names(id) : undefined)
    const topics = request({}, { 0: 1 }).topics.map((topic) => ({ ...topic, topic: '', topicId: TOPIC_ID }))
    const full = resolved(sessions, request({ sessionEpoch: 0, topics }), 0, 13, lookUp)
    expect([...full.partitions][0]?.topic).to.equal(null)
    const { sessionId } = full.finish([outcome(0, { topic: null, topicId: TOPIC_ID, errorCode: 100 })], 0)
    known = true
    const next = resolved(sessions, request({ sessionId, sessionEpoch: 1 }), 0, 13, lookUp)
    expect([...next.partitions][0]?.topic).to.equal('named')
  })

  it('evict the least recently used session for a new one only if it is stale', () => {
    const sessions = make(1)
    const first = open(sessions, 0)
    expect(open(sessions, 120_000)).to.equal(0)
    expect(open(sessions, 120_001)).to.be.greaterThan(0)
    expect(atOnce(sessions.resolve(request({ sessionId: first, sessionEpoch: 1 }), VERSION, names, 0))).to.equal(
      'FETCH_SESSION_ID_NOT_FOUND',
    )
  })

  it('evict an old session in use for a larger one, not for one of equal size', () => {
    const sessions = make(1)
    const first = open(sessions, 0)
    resolved(sessions, request({ sessionId: first, sessionEpoch: 1 }), 200_000).finish([], 200_000)
    expect(open(sessions, 200_000)).to.equal(0)
    const larger = resolved(sessions, request({ sessionEpoch: 0 }, { 0: 1, 1: 1, 2: 1 }))
    expect(larger.finish([outcome(0), outcome(1), outcome(2)], 200_000).sessionId).to.be.greaterThan(0)
    expect(sessions.count).to.equal(1)
  })
})
