import { expect } from 'chai'
import { compacted } from './compacted-records.fixture.ts'
import { snapshotOf } from './group-snapshot.fixture.ts'
import { GroupWorld } from './group-world.fixture.ts'
import type { LoadedRecord } from './state-log.ts'

/**
 * Expects that replaying any prefix of the log restores the state the shard had at that length, also if the prefix was
 * compacted up to any point.
 */
export async function expectSameAfterReplay(world: GroupWorld, snapshots: ReadonlyMap<number, unknown>): Promise<void> {
  for (const [length, known] of snapshots) {
    const records = world.log.records.slice(0, length)
    expect(await replayed(world, records), `replay of ${length} records`).to.deep.equal(known)
    for (const tombstones of ['kept', 'dropped'] as const) {
      const cut = (length * 7919) % (length + 1)
      const left = compacted(records, cut, tombstones)
      const what = `replay of ${length} records, ${cut} of them compacted, tombstones ${tombstones}`
      expect(await replayed(world, left), what).to.deep.equal(known)
    }
  }
}

/** Snapshot of a shard in the same cluster after replaying these records. */
export async function replayed(world: GroupWorld, records: readonly LoadedRecord[]): Promise<unknown> {
  const copy = new GroupWorld()
  copy.image = world.image
  copy.log.records.push(...records)
  await copy.coordinator.start()
  return snapshotOf(copy.state)
}
