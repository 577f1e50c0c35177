import { array, coordinatorRecord, int8, int16, int32, int64, type MessageOf, string, uuid } from '../schema.ts'

/** Complete state of one partition of a share group in __share_group_state (KIP-932). */
export const ShareSnapshotRecord = coordinatorRecord({
  type: 0,
  name: 'ShareSnapshot',
  versions: '0',
  flexible: '0+',
  key: { groupId: string(), topicId: uuid(), partition: int32() },
  value: {
    snapshotEpoch: int32(),
    stateEpoch: int32(),
    leaderEpoch: int32(),
    startOffset: int64(),
    deliveryCompleteCount: int32({ tag: 0, default: -1 }),
    createTimestamp: int64(),
    writeTimestamp: int64(),
    stateBatches: array({ firstOffset: int64(), lastOffset: int64(), deliveryState: int8(), deliveryCount: int16() }),
  },
})
export type ShareSnapshotKey = MessageOf<typeof ShareSnapshotRecord.key>
export type ShareSnapshotValue = MessageOf<typeof ShareSnapshotRecord.value>

/** A change since the last ShareSnapshot of the partition. */
export const ShareUpdateRecord = coordinatorRecord({
  type: 1,
  name: 'ShareUpdate',
  versions: '0',
  flexible: '0+',
  key: { groupId: string(), topicId: uuid(), partition: int32() },
  value: {
    snapshotEpoch: int32(),
    leaderEpoch: int32(),
    startOffset: int64(),
    deliveryCompleteCount: int32({ tag: 0, default: -1 }),
    stateBatches: array({ firstOffset: int64(), lastOffset: int64(), deliveryState: int8(), deliveryCount: int16() }),
  },
})
export type ShareUpdateKey = MessageOf<typeof ShareUpdateRecord.key>
export type ShareUpdateValue = MessageOf<typeof ShareUpdateRecord.value>
