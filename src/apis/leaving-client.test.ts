import { expect } from 'chai'
import { JoinGroup } from '../../protocol/apis/join-group.ts'
import { ListOffsets } from '../../protocol/apis/list-offsets.ts'
import { SyncGroup } from '../../protocol/apis/sync-group.ts'
import type { GroupCoordinator } from '../coordinator/group/group-coordinator.ts'
import { DataPath, type WireClient } from './data-path.fixture.ts'
import { joinGroup } from './join-group.ts'
import { listOffsets } from './list-offsets.ts'
import { syncGroup } from './sync-group.ts'

const never = () => new Promise<never>(() => {})
const member = { groupId: 'g', memberId: 'm' }
const join = { ...member, sessionTimeoutMs: 10_000, protocolType: 'consumer', protocols: [] }
const sync = { ...member, generationId: 1, assignments: [] }

describe('a client that disconnects while its answer depends on others', () => {
  function rig() {
    const path = new DataPath([joinGroup, syncGroup, listOffsets])
    const groups: Partial<GroupCoordinator> = { join: never, sync: never }
    Object.assign(path.services, { groups })
    return { path, before: path.services.bytesInFlight.availableBytes }
  }

  for (const [name, send] of [
    ['JoinGroup', (client: WireClient) => client.send(JoinGroup, 3, { ...join, rebalanceTimeoutMs: 0x7fffffff })],
    ['SyncGroup', (client: WireClient) => client.send(SyncGroup, 3, sync)],
  ] as const) {
    it(`ends its ${name}`, async () => {
      const { path, before } = rig()
      const client = path.connect()
      send(client)
      await path.host.advance(100)
      expect(path.services.bytesInFlight.availableBytes).to.be.lessThan(before)
      client.close()
      await path.host.advance(1)
      expect(path.services.bytesInFlight.availableBytes).to.equal(before)
    })
  }

  it('ends work that goes through partitions one by one', async () => {
    const { path, before } = rig()
    path.metadata.addTopic('t', 10)
    let looks = 0
    for (let index = 0; index < 10; index++) {
      path.log('t', index).maxTimestamp = async () => {
        looks++
        await new Promise<void>((resolve) => path.host.timers.after(10, resolve))
        return undefined
      }
    }
    const partitions = Array.from({ length: 10 }, (_, partitionIndex) => ({ partitionIndex, timestamp: -3 }))
    const client = path.connect()
    client.send(ListOffsets, 7, { replicaId: -1, isolationLevel: 0, timeoutMs: 0, topics: [{ name: 't', partitions }] })
    await path.host.advance(15)
    client.close()
    await path.host.advance(1000)
    expect(looks).to.equal(2)
    expect(path.services.bytesInFlight.availableBytes).to.equal(before)
  })
})
