import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Cluster } from '../../src/cluster.ts'
import { startSettingsOf } from '../../src/config/start-settings.ts'
import { TcpTransport } from '../../src/network/tcp-transport.ts'
import { silentLogger } from '../../src/observe/logger.ts'
import type { FileHandle } from '../../storage/host/host.ts'
import { NodeFiles } from '../../storage/host/node-files.ts'
import { nodeHost } from '../../storage/host/node-host.ts'
import type { PreparedData } from './section.ts'

/** Real files that are never synced: benchmark data need not survive a power loss. */
class UnsyncedFiles extends NodeFiles {
  override open(path: string, mode: 'r' | 'r+' | 'a+'): FileHandle {
    return Object.assign(super.open(path, mode), { syncNow: () => {}, sync: () => Promise.resolve() })
  }
  override replaceWhole(path: string, content: Buffer | string): void {
    writeFileSync(path, content)
  }
  override syncDirectory(): void {}
  override async syncDirectoryAside(): Promise<void> {}
}

/** Data directory of an Ottla broker after a clean stop; `fill` writes the data as a client of that port. */
export async function madeData(fill: (port: number) => Promise<void>): Promise<PreparedData> {
  const dataDir = mkdtempSync(join(tmpdir(), 'ottla-bench-'))
  const dispose = () => rmSync(dataDir, { recursive: true, force: true, maxRetries: 3 })
  const settings = startSettingsOf(
    new Map(Object.entries({ listeners: 'PLAINTEXT://127.0.0.1:0', 'log.dirs': dataDir })),
  )
  const fatal = (reason: Error) => {
    throw reason
  }
  const broker = new Cluster(
    settings,
    { ...nodeHost(fatal), files: new UnsyncedFiles() },
    new TcpTransport(),
    silentLogger,
  )
  try {
    await broker.start()
    await fill(broker.addresses[0]!.port)
    await broker.stop()
    return { dataDir, dispose }
  } catch (error) {
    await broker.stop()
    dispose()
    throw error
  }
}

/** Copies a data directory without the lock file. */
export function copyData(from: string, to: string): void {
  cpSync(from, to, { recursive: true, filter: (path) => !path.endsWith('.lock') })
}
