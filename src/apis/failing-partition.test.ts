import { expect } from 'chai'
import { Fetch } from '../../protocol/apis/fetch.ts'
import { ListOffsets } from '../../protocol/apis/list-offsets.ts'
import { Produce } from '../../protocol/apis/produce.ts'
import { errorName } from '../../protocol/error-codes.ts'
import { InvariantError } from '../../protocol/invariant.ts'
import { ZERO_UUID } from '../../protocol/schema.ts'
import { batchOf, DataPath } from './data-path.fixture.ts'
import { fetch } from './fetch.ts'
import { listOffsets } from './list-offsets.ts'
import { produce } from './produce.ts'

const eio = Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO' })

const fails = (error: Error) => () => {
  throw error
}

/** One request for both topics, by API; resolves to the error of each topic. */
const asks: Readonly<Record<string, (path: DataPath) => Promise<string[]>>> = {
  Produce: async (path) => {
    const partitionData = [{ index: 0, records: batchOf(['a']) }]
    const topicData = ['broken', 'whole'].map((name) => ({ name, topicId: ZERO_UUID, partitionData }))
    const { responses } = await path.connect().call(Produce, 9, { acks: -1, timeoutMs: 1000, topicData })
    return responses.map(({ partitionResponses }) => errorName(partitionResponses[0]!.errorCode))
  },
  Fetch: async (path) => {
    const partitions = [{ partition: 0, fetchOffset: 0, logStartOffset: -1, partitionMaxBytes: 1 << 20 }]
    const topics = ['broken', 'whole'].map((topic) => ({ topic, topicId: ZERO_UUID, partitions }))
    const request = { maxWaitMs: 0, minBytes: 1, topics, forgottenTopicsData: [] }
    const { responses } = await path.connect().call(Fetch, 12, request)
    return responses.map((topic) => errorName(topic.partitions[0]!.errorCode))
  },
  ListOffsets: async (path) => {
    const partitions = [{ partitionIndex: 0, timestamp: 0 }]
    const topics = ['broken', 'whole'].map((name) => ({ name, partitions }))
    const answer = await path.connect().call(ListOffsets, 5, { replicaId: -1, isolationLevel: 0, timeoutMs: 0, topics })
    return answer.topics.map((topic) => errorName(topic.partitions[0]!.errorCode))
  },
}

async function rig(error: Error): Promise<DataPath> {
  const path = new DataPath([produce, fetch, listOffsets])
  for (const topic of ['broken', 'whole']) {
    path.metadata.addTopic(topic)
    await path.log(topic).append(batchOf(['a']), { origin: 'client', leaderEpoch: 0, nowMs: 0 })
  }
  const log = path.log('broken')
  log.append = async () => fails(error)()
  log.read = async () => fails(error)()
  log.offsetForTimestamp = async () => fails(error)()
  return path
}

describe('of several partitions in a request, one that fails', () => {
  for (const [api, ask] of Object.entries(asks)) {
    it(`is answered alone with the error of the disk: ${api}`, async () => {
      expect(await ask(await rig(eio))).to.deep.equal(['KAFKA_STORAGE_ERROR', 'NONE'])
    })

    it(`is answered alone if it meets a bug: ${api}`, async () => {
      const path = await rig(new TypeError('a bug'))
      expect(await ask(path)).to.deep.equal(['UNKNOWN_SERVER_ERROR', 'NONE'])
      expect(path.host.fatalReason).to.equal(undefined)
    })

    it(`ends the process if it breaks an invariant: ${api}`, async () => {
      const path = await rig(new InvariantError('broken'))
      await ask(path).catch(() => 'whatever is answered')
      expect(path.host.fatalReason?.message).to.equal('broken')
    })
  }

  it('leaves no memory counted for a fetch', async () => {
    const path = await rig(eio)
    const { availableBytes } = path.services.bytesInFlight
    for (let i = 0; i < 3; i++) await asks.Fetch!(path)
    await path.host.advance(1000)
    expect(path.services.bytesInFlight.availableBytes).to.equal(availableBytes)
  })
})
