import { expect } from 'chai'
import { Fetch } from '../protocol/apis/fetch.ts'
import { ZERO_UUID } from '../protocol/schema.ts'
import { within } from '../storage/host/faulty-files.ts'
import { LogManager } from '../storage/log-manager.ts'
import { ReadableEnd } from '../storage/readable-end.ts'
import { Broker } from './broker.ts'
import { FetchAttempt } from './fetch/fetch-attempt.ts'
import type { LogBackedMetadataStore } from './metadata/log-backed-metadata-store.ts'
import { MetadataWriter } from './metadata/metadata-writer.ts'
import { PartitionLogs } from './partition/partition-logs.ts'
import { RunningBrokers } from './running-brokers.fixture.ts'

const start = (brokers: number, properties: Record<string, string> = {}) =>
  new RunningBrokers(brokers, properties).start()

/** Nothing can be written to the metadata log. */
const fullMetadata = { concerns: within('/data/__cluster_metadata-0'), effect: 'full' } as const

/** Runs the task with other methods of a class. */
async function withMethods<T extends object>(prototype: T, methods: Partial<T>, task: () => Promise<void>) {
  const before = Object.fromEntries(Object.keys(methods).map((name) => [name, prototype[name as keyof T]]))
  Object.assign(prototype, methods)
  try {
    await task()
  } finally {
    Object.assign(prototype, before)
  }
}

/** Counts listeners that subscribe and do not unsubscribe while the task runs. */
async function countListeners(task: (count: () => number) => Promise<void>): Promise<void> {
  let count = 0
  const counted = <A extends unknown[]>(subscribe: (...args: A) => () => void) =>
    function (this: unknown, ...args: A) {
      const unsubscribe = subscribe.apply(this, args)
      count++
      let isOver = false
      return () => {
        if (!isOver) count--
        isOver = true
        unsubscribe()
      }
    }
  const [logs, metadata, users] = [ReadableEnd.prototype, MetadataWriter.prototype, PartitionLogs.prototype]
  await withMethods(logs, { onMoved: counted(logs.onMoved) }, () =>
    withMethods(metadata, { onChange: counted(metadata.onChange) }, () =>
      withMethods(users, { addUser: counted(users.addUser) }, () => task(() => count)),
    ),
  )
}

/** Counts logs that the brokers create or open while the task runs. */
async function countOpenings(task: () => Promise<void>): Promise<number> {
  let count = 0
  const { create } = LogManager.prototype
  const counted: typeof create = function (this: LogManager, ...args) {
    count++
    return create.apply(this, args)
  }
  await withMethods(LogManager.prototype, { create: counted }, task)
  return count
}

describe('brokers that come and go', () => {
  it('are fenced once the full disk lets them be', async () => {
    const rig = await start(2)
    await rig.create('t', [[2, 1]])
    rig.host.files.pathFaults = [fullMetadata]
    const failure = await rig.settle(rig.cluster.brokers.kill(2).catch((error: Error) => error.message))
    expect(failure).to.equal('a change of the cluster metadata could not be written')
    expect(await rig.describe('t')).to.equal('leader 2, replicas 2 1, isr 2 1')
    rig.host.files.pathFaults = []
    await rig.host.advance(60_000)
    expect(await rig.describe('t')).to.equal('leader 1, replicas 2 1, isr 1')
  })

  it('are in sync once the full disk lets that be recorded', async () => {
    const rig = await start(2, { 'auto.leader.rebalance.enable': 'false' })
    await rig.create('t', [[2, 1]], { 'min.insync.replicas': '2' })
    await rig.settle(rig.cluster.brokers.kill(2))
    const forget = rig.cluster.metadata.onChange((image) => {
      if (image.brokers.get(2)?.fenced !== false) return
      rig.host.files.pathFaults = [fullMetadata]
      forget()
    })
    await rig.settle(rig.cluster.brokers.start(2))
    await rig.passes()
    expect(await rig.produce(1, 't', 'x')).to.equal('NOT_ENOUGH_REPLICAS')
    rig.host.files.pathFaults = []
    await rig.host.advance(60_000)
    expect(await rig.describe('t')).to.equal('leader 1, replicas 2 1, isr 1 2')
    expect(await rig.produce(1, 't', 'x')).to.equal(0)
  })

  it('lead no more when they begin to stop, unless controlled.shutdown.enable forbids it', async () => {
    for (const [isEnabled, expected] of [
      ['true', 1],
      ['false', 2],
    ] as const) {
      const rig = await start(2, { 'controlled.shutdown.enable': isEnabled })
      await rig.create('t', [[2, 1]])
      const { stop } = Broker.prototype
      const seen: (number | undefined)[] = []
      const looking = function (this: Broker) {
        seen.push(rig.cluster.metadata.image.topicsByName.get('t')?.partitions[0]?.leader)
        return stop.call(this)
      }
      await withMethods(Broker.prototype, { stop: looking }, () => rig.settle(rig.cluster.brokers.stop(2)))
      expect(seen, isEnabled).to.deep.equal([expected])
    }
  })

  it('leave nothing behind, however often', () =>
    countListeners(async (count) => {
      const rig = await start(2)
      await rig.create('t', [[2, 1]])
      const comeAndGo = async (how: 'kill' | 'stop') => {
        await rig.settle(rig.cluster.brokers[how](2))
        await rig.settle(rig.cluster.brokers.start(2))
        await rig.passes()
        // Opens the log again.
        await rig.consume(2, 't')
      }
      await comeAndGo('kill')
      const before = count()
      for (const how of ['kill', 'stop', 'kill'] as const) await comeAndGo(how)
      expect(count()).to.equal(before)
    }))

  it('leave nothing behind at the end of a read either', () =>
    countListeners(async (count) => {
      const rig = await start(2)
      await rig.create('t', [[2, 1]])
      await rig.produce(2, 't', 'x')
      await rig.settle(rig.cluster.brokers.kill(2))
      const before = count()
      await rig.settle(rig.cluster.brokers.start(2))
      const { of } = FetchAttempt
      let killed: Promise<void> | undefined
      FetchAttempt.of = async (...args) => {
        FetchAttempt.of = of
        const attempt = await of.apply(FetchAttempt, args)
        killed = rig.cluster.brokers.kill(2)
        for (let i = 0; i < 100; i++) await Promise.resolve()
        return attempt
      }
      try {
        const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1 << 20 }]
        const topics = [{ topic: 't', topicId: ZERO_UUID, partitions }]
        const waits = { maxWaitMs: 60_000, minBytes: 100_000, maxBytes: 1 << 20 }
        rig.connect(2).send(Fetch, 11, { ...waits, topics, forgottenTopicsData: [] })
        await rig.passes()
      } finally {
        FetchAttempt.of = of
      }
      expect(killed).to.not.equal(undefined)
      await rig.settle(killed!)
      await rig.passes()
      expect(count()).to.equal(before)
    }))

  it('open no log for a change of another partition, nor at an unclean start', async () => {
    const rig = await start(2)
    await rig.create(
      't',
      Array.from({ length: 20 }, () => [1, 2]),
    )
    await rig.passes()
    const openings = await countOpenings(async () => {
      await rig.settle(rig.cluster.moveLeader('t', 0, 2))
      await rig.settle(rig.cluster.brokers.kill(2))
      await rig.passes()
      await rig.settle(rig.cluster.halt())
      await rig.again(2).start()
      await rig.passes()
    })
    expect(openings).to.equal(0)
  })

  it('are not taken for those of another machine', async () => {
    const rig = await start(1)
    const elsewhere = { nodeId: 2, rack: null, directoryIds: ['foreignDirectoryAAAAAA'], advertised: [], fenced: true }
    const { brokers } = rig.cluster.metadata as LogBackedMetadataStore
    await rig.settle(brokers.register(elsewhere, { nowMs: 1 }))
    expect(await rig.settle(rig.cluster.brokers.add(undefined))).to.equal(3)
    await rig.stop()
    const refusal = await rig
      .again(2)
      .start()
      .catch((error: Error) => error.message)
    expect(refusal).to.equal(
      'broker 2 is registered with other data directories than those in log.dirs: it ran on another machine, or ' +
        'log.dirs has changed; start without it (--brokers 1), or name its directories in log.dirs',
    )
  })

  it('get ids that no broker had on this data', async () => {
    const rig = await start(3)
    await rig.create('t', [[3]])
    await rig.stop()
    const two = await rig.again(2).start()
    expect(await two.settle(two.cluster.brokers.add(undefined))).to.equal(4)
    expect(await two.describe('t')).to.match(/^leader -1, replicas 3, /)
  })
})
