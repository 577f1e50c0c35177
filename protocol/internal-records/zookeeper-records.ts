import { array, bytes, coordinatorRecord, int32, int64, type MessageOf } from '../schema.ts'

/**
 * A persistent node that a client of the ZooKeeper endpoint made. Ottla's own: Kafka has no such record. Texts are bytes
 * in UTF-8, because ZooKeeper's may be longer than Kafka's.
 */
export const ZooKeeperNodeRecord = coordinatorRecord({
  type: 0,
  name: 'ZooKeeperNode',
  versions: '0',
  flexible: 'none',
  key: { path: bytes() },
  value: {
    data: bytes({ nullable: '0+' }),
    acl: array({ perms: int32(), scheme: bytes(), id: bytes() }),
    czxid: int64(),
    mzxid: int64(),
    pzxid: int64(),
    ctimeMs: int64(),
    mtimeMs: int64(),
    version: int32(),
    cversion: int32(),
    aversion: int32(),
  },
})
export type ZooKeeperNodeValue = MessageOf<typeof ZooKeeperNodeRecord.value>
