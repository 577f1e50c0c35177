import { performance } from 'node:perf_hooks'
import { RawClient } from '../../compat-tests/raw-client.ts'
import { ApiVersions } from '../../protocol/apis/api-versions.ts'
import { residentMb } from './measured-process.ts'
import type { Section } from './section.ts'

const IDLE_MS = 1000

/** Time from process start to the first response, and memory after one idle second. */
export const start: Section = {
  name: 'start',
  cold: true,
  async run(contender) {
    const broker = await contender.start()
    try {
      await broker.stop()
      const startedMs = performance.now()
      const restarted = broker.restart()
      await firstAnswer(broker.port)
      const readyMs = performance.now() - startedMs
      await restarted
      await new Promise((resolve) => setTimeout(resolve, IDLE_MS))
      return [
        { name: 'ready after', unit: 'ms', value: readyMs, best: 'lowest' },
        { name: 'idle memory', unit: 'MB', value: residentMb(broker.pid), best: 'lowest' },
      ]
    } finally {
      await broker.dispose()
    }
  },
}

/** Resolves when a starting broker answers its first request. */
export async function firstAnswer(port: number): Promise<void> {
  for (;;) {
    const client = await RawClient.connect(port).catch(() => undefined)
    if (client === undefined) await new Promise((resolve) => setTimeout(resolve, 1))
    else {
      await client.send(ApiVersions, 0, {} as never)
      return client.close()
    }
  }
}
