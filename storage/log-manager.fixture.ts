import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Host } from './host/host.ts'
import { nodeHost } from './host/node-host.ts'
import { SimulatedHost } from './host/simulated-host.ts'
import type { Log } from './log/log.ts'
import { LogManager, type LogManagerSettings } from './log-manager.ts'
import type { LogUnderTest } from './partition-log.conformance.ts'
import type { LogConfig, PartitionLog } from './partition-log.ts'
import type { ServedLog } from './served-log.ts'

/** Kafka's defaults. */
export const managerSettings: LogManagerSettings = {
  logInitialTaskDelayMs: 30_000,
  logRetentionCheckIntervalMs: 300_000,
  logFlushSchedulerIntervalMs: Number.MAX_SAFE_INTEGER,
  logFlushOffsetCheckpointIntervalMs: 60_000,
  logFlushStartOffsetCheckpointIntervalMs: 60_000,
  producerIdExpirationMs: 86_400_000,
  producerIdExpirationCheckIntervalMs: 600_000,
  logCleanerEnable: true,
  logCleanerBackoffMs: 15_000,
  logCleanerDedupeBufferSize: 134_217_728,
  logCleanerIoBufferLoadFactor: 0.9,
  logCleanerIoBufferSize: 524_288,
  logCleanerThreads: 1,
  logCleanerIoMaxBytesPerSecond: Number.MAX_VALUE,
  replicaAlterLogDirsIoMaxBytesPerSecond: Number.MAX_SAFE_INTEGER,
  numReplicaAlterLogDirsThreads: null,
}

/** The log behind the one that a manager hands out, for tests that look at its files. */
export function logBehind(served: PartitionLog | undefined): Log {
  return (served as ServedLog).log
}

export const TOPIC = 'topic'
export const TOPIC_ID = 'AAAAAAAAAAAAAAAAAAAABQ'

export function newManager(host: Host, ...paths: readonly string[]): LogManager {
  const directories = paths.map((path) => ({ path, directoryId: path }))
  return new LogManager({ host, directories, settings: managerSettings })
}

/** A log in the files of a simulated machine; a crash is a crash of the process. */
export async function simulatedLog(config: LogConfig, host = new SimulatedHost()): Promise<LogUnderTest> {
  const settle = <T>(promise: Promise<T>): Promise<T> => host.settle(promise)
  return logUnderTest(config, host, '/data', settle, () => host.crash())
}

/** A log in real files. A crash is simulated: nothing is stopped, and another manager opens the same files. */
export async function realLog(config: LogConfig): Promise<LogUnderTest> {
  const directory = mkdtempSync(join(tmpdir(), 'ottla-log-'))
  const host = nodeHost((reason) => {
    throw reason
  })
  const tested = await logUnderTest(
    config,
    host,
    directory,
    (promise) => promise,
    () => {},
  )
  return {
    ...tested,
    // Spreading would evaluate the getter only once.
    get log(): PartitionLog {
      return tested.log
    },
    stop: async () => {
      await tested.stop()
      rmSync(directory, { recursive: true })
    },
  }
}

async function logUnderTest(
  config: LogConfig,
  host: Host,
  directory: string,
  settle: <T>(promise: Promise<T>) => Promise<T>,
  endProcess: () => void,
): Promise<LogUnderTest> {
  let manager = newManager(host, directory)
  const start = async (): Promise<void> => {
    manager = newManager(host, directory)
    await settle(manager.start(() => config))
  }
  await start()
  manager.createNow(TOPIC, 0, TOPIC_ID, config)
  return {
    get log(): PartitionLog {
      return manager.getNow(TOPIC, 0)!
    },
    nowMs: () => host.clock.nowMs(),
    settle,
    restart: async () => {
      await settle(manager.stop())
      await start()
    },
    crash: async () => {
      endProcess()
      await start()
    },
    stop: () => settle(manager.stop()),
  }
}
