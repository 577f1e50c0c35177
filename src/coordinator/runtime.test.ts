import { expect } from 'chai'
import { isRejection, reject } from '../../protocol/error-codes.ts'
import { SimulatedHost } from '../../storage/host/simulated-host.ts'
import { emptyImage } from '../metadata/cluster-image.ts'
import type { MetadataStore, NewTopic } from '../metadata/metadata-store.ts'
import { silentLogger } from '../observe/logger.ts'
import { CoordinatorRuntime } from './runtime.ts'

describe('a coordinator whose topic cannot be created', () => {
  it('is not available, and logs each reason once', async () => {
    let reason = 'three replicas and one broker'
    const warnings: string[] = []
    const metadata = {
      image: emptyImage('cluster'),
      onChange: () => {},
      createTopics: () => Promise.resolve([reject('INVALID_REPLICATION_FACTOR', reason)]),
    } as unknown as MetadataStore
    const runtime = new CoordinatorRuntime({
      nodeId: 1,
      host: new SimulatedHost(),
      logger: { ...silentLogger, warn: (fields) => warnings.push((fields as { reason: string }).reason) },
      metadata,
      topic: '__groups',
      newTopic: () => ({ partitionCount: 1 }) as NewTopic,
      nowMs: () => 0,
      open: () => {
        throw new Error('there is no partition')
      },
    })
    await runtime.start()
    for (let i = 0; i < 2; i++) {
      const found = await runtime.coordinatorOf('g', 'User:a')
      expect(isRejection(found) && found.error).to.equal('COORDINATOR_NOT_AVAILABLE')
    }
    reason = 'a segment is too small'
    await runtime.coordinatorOf('g', 'User:a')
    expect(warnings).to.deep.equal([
      'INVALID_REPLICATION_FACTOR: three replicas and one broker',
      'INVALID_REPLICATION_FACTOR: a segment is too small',
    ])
  })
})
