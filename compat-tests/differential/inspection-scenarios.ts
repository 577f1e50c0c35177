import { Fetch } from '../../protocol/apis/fetch.ts'
import { ListOffsets } from '../../protocol/apis/list-offsets.ts'
import { Produce } from '../../protocol/apis/produce.ts'
import { codecOf } from '../../protocol/compression/codecs.ts'
import { type ForgedRecord, type Forgery, forgedBatch } from '../../protocol/records/forged-batch.fixture.ts'
import { type BatchHeader, batchesOf } from '../../protocol/records/record-batch.ts'
import { RecordFault, readRecords } from '../../protocol/records/record-reader.ts'
import type { Scenario } from './scenario.ts'
import { logsAreThere, makeTopic } from './topic-scenarios.ts'
import type { Send } from './transcript.ts'

const [PRODUCE_VERSION, FETCH_VERSION, LIST_VERSION] = [9, 12, 7] as const
const HOUR_MS = 3_600_000
/** Not the current time: equal in every response, and within the topic's limits. */
const baseTimestamp = Date.now() - 60_000

const three: readonly ForgedRecord[] = [{}, { timestampDelta: 2000 }, { timestampDelta: 1000 }]

/** Batches whose header contradicts the content, or with content that is no valid record. */
function forgeries(): Record<string, Omit<Forgery, 'codec'> & { readonly header?: Partial<BatchHeader> }> {
  return {
    'all as it should be': { records: three },
    'max timestamp -1': { records: three, header: { maxTimestamp: -1 } },
    'max timestamp too high': { records: three, header: { maxTimestamp: baseTimestamp + 5000 } },
    'max timestamp too low': { records: three, header: { maxTimestamp: baseTimestamp } },
    'max timestamp beyond the limit, records within': {
      records: three,
      header: { maxTimestamp: baseTimestamp + 3 * HOUR_MS },
    },
    'no timestamps at all': { records: [{}, {}], header: { baseTimestamp: -1, maxTimestamp: -1 } },
    'negative timestamps': { records: [{}, {}], header: { baseTimestamp: -5, maxTimestamp: -5 } },
    'one timestamp beyond the limit in a plausible header': {
      records: [{}, { timestampDelta: 3 * HOUR_MS }, {}],
      header: { maxTimestamp: baseTimestamp },
    },
    'two timestamps beyond the limit': {
      records: [{ timestampDelta: 3 * HOUR_MS }, {}, { timestampDelta: 3 * HOUR_MS }],
    },
    'three by the header, two inside': { records: [{}, {}], header: { count: 3, lastOffsetDelta: 2 } },
    'two by the header, three inside': { records: three, header: { count: 2, lastOffsetDelta: 1 } },
    'one more offset than records': { records: [{}, {}], header: { lastOffsetDelta: 2 } },
    'no record by the header': { records: [{}], header: { count: 0, lastOffsetDelta: 0 } },
    'no record at all': { records: [], header: { count: 1, lastOffsetDelta: 0 } },
    'a negative count': { records: [{}], header: { count: -1, lastOffsetDelta: 0 } },
    'a gap between offsets': { records: [{}, { offsetDelta: 2 }] },
    'offsets that do not start at 0': { records: [{ offsetDelta: 5 }, { offsetDelta: 6 }] },
    'offsets that run backwards': { records: [{ offsetDelta: 1 }, { offsetDelta: 0 }] },
    'the same offset twice': { records: [{ offsetDelta: 0 }, { offsetDelta: 0 }] },
    'negative offsets': { records: [{ offsetDelta: -1 }, { offsetDelta: 0 }] },
    'one record without a key': { records: [{}, { key: null }, {}] },
    'null values': { records: [{ value: null }, { value: null }] },
    'attributes of a record': { records: [{ attributes: 3 }] },
    headers: {
      records: [
        {
          headers: [
            [1, 'a', 1, 'b'],
            [1, 'c', -1, ''],
          ],
        },
        {},
      ],
    },
    'a header without a key': { records: [{ headers: [[-1, '', 1, 'b']] }] },
    'a header longer than the record': { records: [{ headers: [[1, 'a', 90, 'b']] }] },
    'a negative header count': { records: [{ headerCount: -1 }] },
    'more headers than there are': { records: [{ headerCount: 9 }] },
    'a huge header count': { records: [{ headerCount: 2_000_000_000 }] },
    'a negative length': { records: [{ length: -1 }] },
    'a length of nothing': { records: [{ length: 0 }] },
    'a length beyond the end': { records: [{ length: 100 }] },
    'a huge length': { records: [{ length: 2_000_000_000 }] },
    'a key longer than the record': { records: [{ keyLength: 70 }] },
    'a value longer than the record': { records: [{ valueLength: 70 }] },
    'a value longer than anything': { records: [{ valueLength: 2_000_000_000 }] },
    'a key length below -1': { records: [{ key: null, keyLength: -7 }] },
    'bytes after the last record': { records: [{}, {}], trailing: Buffer.from([1, 2, 3]) },
    'noise instead of records': { content: Buffer.alloc(50, 0xff), header: { count: 1, lastOffsetDelta: 0 } },
    'zeros instead of records': { content: Buffer.alloc(50), header: { count: 1, lastOffsetDelta: 0 } },
    'stamped by the producer': {
      records: three,
      header: { timestampType: 'LogAppendTime', maxTimestamp: baseTimestamp },
    },
    'stamped by the producer, without a time': {
      records: three,
      header: { timestampType: 'LogAppendTime', maxTimestamp: -1 },
    },
    'a delete horizon': { records: three, header: { hasDeleteHorizon: true } },
  }
}

/** The same for compressed bytes. */
const damages: Record<string, Omit<Forgery, 'codec'>> = {
  'cut in the middle': { records: three, damage: (bytes) => bytes.subarray(0, bytes.length >> 1) },
  'cut by one byte': { records: three, damage: (bytes) => bytes.subarray(0, bytes.length - 1) },
  'cut by five bytes': { records: three, damage: (bytes) => bytes.subarray(0, bytes.length - 5) },
  'no bytes': { records: three, compressed: Buffer.alloc(0) },
  noise: { records: three, compressed: Buffer.alloc(40, 0x77) },
  zeros: { records: three, compressed: Buffer.alloc(40) },
  'not compressed': { records: three, compressed: codecOf(0)!.compress(forgedBatch({ records: three }).subarray(61)) },
  'bytes behind': { records: three, damage: (bytes) => Buffer.concat([bytes, Buffer.alloc(3)]) },
}

const topics: Record<string, Record<string, string>> = {
  plain: {},
  compacted: { 'cleanup.policy': 'compact' },
  stamped: { 'message.timestamp.type': 'LogAppendTime' },
  bounded: { 'message.timestamp.before.max.ms': '30000', 'message.timestamp.after.max.ms': '30000' },
  gzip: { 'compression.type': 'gzip' },
  uncompressed: { 'compression.type': 'uncompressed' },
}
/** Two codecs are enough if only compression as such matters. */
const codecsOf: Readonly<Record<string, readonly number[]>> = { compacted: [0, 3], stamped: [0, 4], bounded: [0, 2] }

/** What a partition stored of the batch; timestamps set by the broker are left out. */
async function look(send: Send, topic: string, partition: number, what: string, isStamped: boolean): Promise<void> {
  const partitions = [{ partition, fetchOffset: 0, partitionMaxBytes: 1 << 20 }]
  await send(
    Fetch,
    FETCH_VERSION,
    `${what}: what is stored`,
    { maxWaitMs: 0, minBytes: 0, topics: [{ topic, partitions }] },
    ({ responses }) => {
      const { errorCode, records } = responses[0]!.partitions[0]!
      const bytes = Buffer.isBuffer(records) ? records : Buffer.concat(records ?? [])
      return { errorCode, batches: batchesOf(bytes).batches.map((each) => shown(each, isStamped)) }
    },
  )
}

function shown(batch: ReturnType<typeof batchesOf>['batches'][number], isStamped: boolean) {
  const { baseOffset, lastOffset, count, compression, baseTimestamp: base, maxTimestamp } = batch
  const records = readRecords(batch)
  return {
    ...{ baseOffset, lastOffset, count, compression, base, flags: batch.attributes },
    maxTimestamp: isStamped ? 'now' : maxTimestamp - baseTimestamp,
    valid: batch.hasValidCrc(),
    records:
      records instanceof RecordFault
        ? records.kind
        : records.map(({ offset, timestamp, key, value, headers }) => ({
            ...{ offset, key: String(key), value: String(value), headers: headers.length },
            timestamp: isStamped ? 'now' : timestamp - baseTimestamp,
          })),
  }
}

async function ask(send: Send, name: string, partitionIndex: number, what: string): Promise<void> {
  const questions = [-3, 0, baseTimestamp + 1, baseTimestamp + 1500, baseTimestamp + 4000]
  for (const [i, timestamp] of questions.entries()) {
    const topics = [{ name, partitions: [{ partitionIndex, timestamp }] }]
    await send(ListOffsets, LIST_VERSION, `${what}: question ${i}`, { replicaId: -1, topics } as never)
  }
}

async function play(send: Send, kind: string, codec: number): Promise<void> {
  const isStamped = kind === 'stamped'
  const configs = Object.entries(topics[kind]!).map(([name, value]) => ({ name, value }))
  const all = Object.entries({ ...forgeries(), ...(codec > 0 && damages) })
  const name = `inspect-${kind}-${codec}`
  await makeTopic(send, name, { numPartitions: all.length, configs })
  await logsAreThere(send, name, all.length)
  // One partition each: the effect of one batch must not show in the responses about another.
  for (const [index, [what, forgery]] of all.entries()) {
    const records = forgedBatch({ ...forgery, codec, header: { baseTimestamp, ...forgery.header } })
    const produce = { acks: -1, timeoutMs: 5000, topicData: [{ name, partitionData: [{ index, records }] }] }
    await send(Produce, PRODUCE_VERSION, what, produce)
    await look(send, name, index, what, isStamped)
    if (!isStamped) await ask(send, name, index, what)
  }
}

/** Invalid batches: what is refused, what is corrected, and what can be read afterwards. */
export const inspectionScenarios: readonly Scenario[] = Object.keys(topics).flatMap((kind) =>
  (codecsOf[kind] ?? [0, 1, 2, 3, 4]).map((id) => ({
    name: `Produce: batches that lie, ${codecOf(id)!.name} to a topic that is ${kind}`,
    run: (send: Send) => play(send, kind, id),
  })),
)
