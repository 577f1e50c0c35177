import { expect } from 'chai'
import { ListOffsets } from '../../protocol/apis/list-offsets.ts'
import { errorName } from '../../protocol/error-codes.ts'
import { batchOf, DataPath } from './data-path.fixture.ts'
import { listOffsets } from './list-offsets.ts'

const append = { origin: 'client', leaderEpoch: 4, nowMs: 0 } as const

describe('ListOffsets', () => {
  /** Offsets 0 to 4 in three batches: timestamp 1000 (offsets 0, 1), 3000 (2) and 2000 (3, 4), leader epoch 4. */
  async function rig() {
    const path = new DataPath([listOffsets])
    path.metadata.addTopic('t', 1, { leaderEpoch: 4 })
    await path.services.partitions.leaderFor('t', 0)
    for (const [values, timestamp] of [
      [['a', 'b'], 1000],
      [['c'], 3000],
      [['d', 'e'], 2000],
    ] as const) {
      await path.log('t').append(batchOf(values, timestamp), append)
    }
    return path
  }

  async function ask(path: DataPath, version: number, timestamp: number, changes: object = {}, partition: object = {}) {
    const partitions = [{ partitionIndex: 0, timestamp, maxNumOffsets: 1, ...partition }]
    const request = { replicaId: -1, isolationLevel: 0, topics: [{ name: 't', partitions }], timeoutMs: 0, ...changes }
    const { topics } = await path.connect().call(ListOffsets, version, request)
    const answer = topics[0]!.partitions[0]!
    return { ...answer, error: errorName(answer.errorCode) }
  }

  for (const [what, version, timestamp, answer] of [
    ['the end', 1, -1, { offset: 5, timestamp: -1 }],
    ['the end with its epoch', 4, -1, { offset: 5, timestamp: -1, leaderEpoch: 4 }],
    ['the start', 5, -2, { offset: 0, timestamp: -1, leaderEpoch: 4 }],
    ['the largest timestamp', 7, -3, { offset: 2, timestamp: 3000, leaderEpoch: 4 }],
    ['the start on this disk', 8, -4, { offset: 0, timestamp: -1 }],
    ['the end of tiered storage, of which there is none', 9, -5, { offset: -1, timestamp: -1, leaderEpoch: -1 }],
    ['the start of what is to be uploaded', 11, -6, { offset: -1, timestamp: -1, leaderEpoch: -1 }],
    ['the first record of a time', 1, 1500, { offset: 2, timestamp: 3000 }],
    ['a time after all records', 6, 9999, { offset: -1, timestamp: -1, leaderEpoch: -1 }],
  ] as const) {
    it(`v${version} finds ${what}`, async () => {
      expect(await ask(await rig(), version, timestamp)).to.include({ error: 'NONE', ...answer })
    })
  }

  for (const [version, timestamp] of [
    [6, -3],
    [7, -4],
    [8, -5],
    [10, -6],
    [11, -7],
  ] as const) {
    it(`v${version} may not ask for ${timestamp}`, async () => {
      expect((await ask(await rig(), version, timestamp)).error).to.equal('UNSUPPORTED_VERSION')
    })
  }

  it('v0 answers a list: the end, the start, as many as asked for', async () => {
    const path = await rig()
    expect((await ask(path, 0, -1)).oldStyleOffsets).to.deep.equal([5])
    expect((await ask(path, 0, -1, {}, { maxNumOffsets: 9 })).oldStyleOffsets).to.deep.equal([5, 0])
    expect((await ask(path, 0, -2)).oldStyleOffsets).to.deep.equal([0])
  })

  it('v0 finds segments last modified by a time, and answers a partition twice', async () => {
    const path = await rig()
    path.log('t').starts = [
      { offset: 3, isEmpty: false, modifiedMs: () => 2000 },
      { offset: 0, isEmpty: false, modifiedMs: () => 1000 },
    ]
    expect((await ask(path, 0, 2500, {}, { maxNumOffsets: 9 })).oldStyleOffsets).to.deep.equal([3, 0])
    expect((await ask(path, 0, 1500)).oldStyleOffsets).to.deep.equal([0])
    expect((await ask(path, 0, 500)).oldStyleOffsets).to.deep.equal([])
    expect((await ask(path, 0, -1, {}, { maxNumOffsets: -1 })).error).to.equal('UNKNOWN_SERVER_ERROR')
    const [end, start] = [-1, -2].map((timestamp) => ({ partitionIndex: 0, timestamp, maxNumOffsets: 1 }))
    const request = {
      replicaId: -1,
      isolationLevel: 0,
      timeoutMs: 0,
      topics: [{ name: 't', partitions: [end!, start!] }],
    }
    const { topics } = await path.connect().call(ListOffsets, 0, request)
    expect(topics[0]!.partitions.map(({ oldStyleOffsets }) => oldStyleOffsets)).to.deep.equal([[5], [0]])
  })

  it('ends at the last offset that each reader may read', async () => {
    const path = await rig()
    const log = path.log('t')
    log.unstableOffset = 2
    log.flushing = () => new Promise(() => {})
    void log.append(batchOf(['f'], 4000), append)
    const ends = []
    for (const [replicaId, isolationLevel] of [
      [-1, 1],
      [-1, 0],
      [-2, 0],
    ]) {
      ends.push((await ask(path, 5, -1, { replicaId, isolationLevel })).offset)
    }
    expect(ends).to.deep.equal([2, 5, 6])
    expect((await ask(path, 5, 1500, { isolationLevel: 1 })).offset).to.equal(-1)
  })

  it('is answered by a follower only for debugging tools, which checks the epoch first', async () => {
    const path = new DataPath([listOffsets])
    path.metadata.addTopic('t', 1, { replicas: [1, 2], leader: 2, leaderEpoch: 4 })
    const errors = []
    for (const replicaId of [-2, -1]) {
      for (const currentLeaderEpoch of [3, 4, 5])
        errors.push((await ask(path, 5, -1, { replicaId }, { currentLeaderEpoch })).error)
      errors.push((await ask(path, 0, -1, { replicaId })).error)
    }
    expect(errors).to.deep.equal([
      ...['FENCED_LEADER_EPOCH', 'NONE', 'UNKNOWN_LEADER_EPOCH', 'NONE'],
      ...['FENCED_LEADER_EPOCH', 'NOT_LEADER_OR_FOLLOWER', 'UNKNOWN_LEADER_EPOCH', 'NOT_LEADER_OR_FOLLOWER'],
    ])
  })

  it('tells consumers of no end while a new leader has a lower high watermark than its epoch began with', async () => {
    const path = await rig()
    const topic = path.metadata.image.topicsByName.get('t')!
    const change = (changes: object) =>
      path.metadata.putTopic({ ...topic, partitions: [{ ...topic.partitions[0]!, ...changes }] })
    path.metadata.setConfig('t', 'min.insync.replicas', '2')
    change({ replicas: [1, 2], isr: [1], leaderEpoch: 4 })
    await path.log('t').append(batchOf(['f'], 4000), append)
    change({ replicas: [1, 2], isr: [1], leaderEpoch: 4, partitionEpoch: 1 })
    const ends = async () => [
      (await ask(path, 5, -1)).error,
      (await ask(path, 4, -1)).error,
      (await ask(path, 5, 3500)).error,
      (await ask(path, 5, 1500)).error,
      (await ask(path, 5, -2)).error,
      (await ask(path, 5, -1, { replicaId: -2 })).error,
    ]
    expect(new Set(await ends()), 'in the same epoch').to.deep.equal(new Set(['NONE']))
    change({ replicas: [1, 2], isr: [1], leaderEpoch: 5 })
    expect(await ends()).to.deep.equal([
      'OFFSET_NOT_AVAILABLE',
      'LEADER_NOT_AVAILABLE',
      'OFFSET_NOT_AVAILABLE',
      'NONE',
      'NONE',
      'NONE',
    ])
    change({ replicas: [1, 2], isr: [1, 2], leaderEpoch: 5 })
    expect(new Set(await ends())).to.deep.equal(new Set(['NONE']))
  })

  it('refuses a duplicate partition, an unknown one, and a wrong epoch', async () => {
    const path = await rig()
    const twice = { partitionIndex: 0, timestamp: -1 }
    const topics = [{ name: 't', partitions: [twice, twice, { partitionIndex: 7, timestamp: -1 }] }]
    const response = await path
      .connect()
      .call(ListOffsets, 5, { replicaId: -1, isolationLevel: 0, topics, timeoutMs: 0 })
    expect(response.topics[0]?.partitions.map(({ errorCode }) => errorName(errorCode))).to.deep.equal([
      'INVALID_REQUEST',
      'UNKNOWN_TOPIC_OR_PARTITION',
    ])
    const odd = await path.connect().call(ListOffsets, 5, { replicaId: -1, isolationLevel: 7, topics, timeoutMs: 0 })
    expect(odd.topics[0]?.partitions.map(({ errorCode }) => errorName(errorCode))).to.deep.equal(
      Array.from({ length: 3 }, () => 'UNKNOWN_SERVER_ERROR'),
    )
    expect((await ask(path, 5, -1, {}, { currentLeaderEpoch: 3 })).error).to.equal('FENCED_LEADER_EPOCH')
  })
})
