import { SimulatedHost } from '../../storage/host/simulated-host.ts'
import { TurnSlices } from '../../storage/host/turn-slices.ts'
import { logConfig } from '../../storage/log-config.fixture.ts'
import { newManager } from '../../storage/log-manager.fixture.ts'
import type { PartitionLog } from '../../storage/partition-log.ts'
import type { PartitionImage } from '../metadata/metadata-image.ts'
import { Partition } from '../partition/partition.ts'
import { MemoryLog } from './memory-log.fixture.ts'
import { PartitionStateLog } from './partition-state-log.ts'
import { describeStateLog, type StateLogUnderTest } from './state-log.conformance.ts'

const TOPIC = '__consumer_offsets'
const TOPIC_ID = 'AAAAAAAAAAAAAAAAAAAABQ'

/** On a partition whose log is in files of a simulated machine. openMs: how long it takes to open the log. */
async function onPartition({
  compression = 'none',
  openMs = 0,
  flushMessages = Number.MAX_SAFE_INTEGER,
}: {
  compression?: 'none' | 'lz4' | 'zstd'
  openMs?: number
  flushMessages?: number
}): Promise<StateLogUnderTest> {
  const host = new SimulatedHost(1)
  const config = logConfig({ cleanupPolicy: ['compact'], flushMessages })
  let manager = newManager(host, '/data')
  const start = () => host.settle(manager.start(() => config))
  await start()
  const partitionOf = (log: PartitionLog) =>
    new Partition({
      nodeId: 1,
      topic: TOPIC,
      topicId: TOPIC_ID,
      partition: 0,
      image: { leader: 1, leaderEpoch: 0, isr: [1], replicas: [1] } as unknown as PartitionImage,
      log,
      settings: () => ({ ...config, minInsyncReplicas: 1 }) as never,
      readable: () => {},
    })
  const open = async () => {
    await new Promise<void>((resolve) => host.timers.after(openMs, resolve))
    partition = partitionOf(await manager.create(TOPIC, 0, TOPIC_ID, config))
    return partition
  }
  let partition: Partition | undefined
  let opening: Promise<Partition> | undefined
  const find = () => {
    opening ??= open()
    return partition ?? opening
  }
  return {
    log: new PartitionStateLog(find, new TurnSlices(host), compression),
    settle: (promise) => host.settle(promise),
    async failAppends(fails) {
      host.memory.capacityBytes = fails ? 0 : Number.POSITIVE_INFINITY
      // After a failed append on a full disk the log is not tried again for a second.
      await host.advance(1000)
    },
    async restart() {
      await host.settle(manager.stop())
      manager = newManager(host, '/data')
      await start()
      partition = opening = undefined
    },
    stop: () => host.settle(manager.stop()),
  }
}

async function inMemory(): Promise<StateLogUnderTest> {
  const log = new MemoryLog()
  return {
    log,
    settle: (promise) => promise,
    async failAppends(fails) {
      log.gate = fails ? Promise.reject(new Error('no room')) : undefined
      log.gate?.catch(() => 'told to each append')
    },
    async restart() {},
    async stop() {},
  }
}

for (const codec of ['none', 'lz4', 'zstd'] as const) {
  describeStateLog(`the log of a coordinator in a partition (${codec})`, () => onPartition({ compression: codec }))
}
describeStateLog('the log of a coordinator in a partition that is slow to open', () => onPartition({ openMs: 100 }))
describeStateLog('the log of a coordinator in a partition that syncs', () => onPartition({ flushMessages: 1 }))
describeStateLog('the log of a coordinator in memory, for tests', inMemory)
