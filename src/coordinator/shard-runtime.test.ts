import { expect } from 'chai'
import { isRejection, type Rejection, reject } from '../../protocol/error-codes.ts'
import { OffsetCommitRecord } from '../../protocol/internal-records/classic-group-records.ts'
import { SimulatedHost } from '../../storage/host/simulated-host.ts'
import { type Logger, silentLogger } from '../observe/logger.ts'
import { tombstone } from './coordinator-record.ts'
import { MemoryLog } from './memory-log.fixture.ts'
import { noChange, type Shard } from './shard.ts'
import { ShardRuntime } from './shard-runtime.ts'
import { type BegunVerification, TooFewReplicasError } from './state-log.ts'

const change = tombstone(OffsetCommitRecord, { group: 'g', topic: 't', partition: 0 })
const producer = { producerId: 7, producerEpoch: 0, baseSequence: -1, bumpsEpoch: true }

/** A shard that notes what happens to it. */
class NotingShard implements Shard {
  readonly events: string[] = []
  replay(): void {
    this.events.push('replay')
  }
  replayMarker(): void {
    this.events.push('marker')
  }
  decode(): undefined {}
  loaded(): void {
    this.events.push('loaded')
  }
  unloaded(): void {
    this.events.push('unloaded')
  }
  metadataChanged(): undefined {}
}

/** Log of a partition that may not be led here. */
class FoundLog extends MemoryLog {
  found: Rejection | undefined

  override beginVerification(): BegunVerification {
    return this.found ?? super.beginVerification(producer)
  }
}

describe('the runtime of a shard', () => {
  let shard: NotingShard
  let log: FoundLog
  let runtime: ShardRuntime<NotingShard>
  beforeEach(() => {
    shard = new NotingShard()
    log = new FoundLog()
    runtime = new ShardRuntime({
      host: new SimulatedHost(),
      logger: silentLogger,
      name: '__topic-0',
      log,
      create: () => shard,
    })
  })

  const errorOf = (outcome: unknown) => (isRejection(outcome) ? outcome.error : undefined)

  it('answers that the log refuses a producer, takes the decision back, and goes on', async () => {
    await runtime.load()
    const decision = (name: string) => ({
      ...noChange,
      records: [change],
      appended: () => shard.events.push(`${name} appended`),
      refused: () => shard.events.push(`${name} refused`),
    })
    const transaction = { producerId: 7, producerEpoch: 0 }
    const unverified = { ...transaction, verification: null }
    expect(errorOf(runtime.write(() => decision('first'), unverified))).to.equal('INVALID_TXN_STATE')
    await runtime.write(() => decision('second'), transaction)
    const stale = { ...transaction, coordinatorEpoch: 0, transactionVersion: 2, result: 'commit' } as const
    expect(errorOf(runtime.endTransaction(stale))).to.equal('INVALID_PRODUCER_EPOCH')
    await runtime.endTransaction({ ...stale, producerEpoch: 1 })
    expect(shard.events).to.deep.equal(['loaded', 'first refused', 'replay', 'second appended', 'marker'])
    expect(log.records.length).to.equal(2)
  })

  it('loads its state again after a lost append: with a warning if only replicas were missing, else with an error', async () => {
    const levels = ['warn', 'error'] as const
    for (const level of levels) {
      const logged: string[] = []
      const logger = Object.fromEntries(
        ['error', 'warn', 'info', 'debug'].map((each) => [
          each,
          (_: object, message: string) => logged.push(`${each} ${message}`),
        ]),
      ) as unknown as Logger
      runtime = new ShardRuntime({ host: new SimulatedHost(), logger, name: '__topic-0', log, create: () => shard })
      await runtime.load()
      log.gate = Promise.reject(level === 'warn' ? new TooFewReplicasError('NOT_ENOUGH_REPLICAS') : new Error('EIO'))
      expect(errorOf(await runtime.write(() => ({ ...noChange, records: [change] })))).to.equal('NOT_COORDINATOR')
      log.gate = undefined
      expect(logged.map((line) => line.split(' ')[0])).to.deep.equal([level])
      await runtime.load()
      expect(shard.events.at(-1)).to.equal('loaded')
    }
  })

  it('does not ask the log about a producer if nothing is to be written', async () => {
    await runtime.load()
    expect(errorOf(runtime.write(() => noChange, { producerId: 7, producerEpoch: 0, verification: null }))).to.equal(
      undefined,
    )
  })

  it('begins a verification while it is loading, and not once it is closed', async () => {
    expect(await runtime.beginVerification(producer)).to.include({ producerId: 7 })
    runtime.close()
    expect(errorOf(await runtime.beginVerification(producer))).to.equal('NOT_COORDINATOR')
  })

  it('answers as a coordinator where the partition cannot be used', async () => {
    await runtime.load()
    const answers = [
      ['UNKNOWN_TOPIC_OR_PARTITION', 'COORDINATOR_NOT_AVAILABLE'],
      ['NOT_LEADER_OR_FOLLOWER', 'NOT_COORDINATOR'],
      ['KAFKA_STORAGE_ERROR', 'NOT_COORDINATOR'],
      ['INVALID_PRODUCER_EPOCH', 'INVALID_PRODUCER_EPOCH'],
    ] as const
    for (const [found, answer] of answers) {
      log.found = reject(found)
      expect(errorOf(await runtime.beginVerification(producer))).to.equal(answer)
    }
  })
})
