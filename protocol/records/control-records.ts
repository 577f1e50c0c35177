import { encodeControlValue } from '../internal-records/control-framing.ts'
import { LeaderChangeMessage } from '../internal-records/control-records.ts'
import { type BatchOptions, buildBatch } from './batch-builder.ts'
import { readInt16, readInt32, writeInt16, writeInt32 } from './big-endian.ts'

/*
 * Records of a control batch, which consumers never see (Kafka's ControlRecordType).
 *
 *  key    int16 version (0), int16 type
 *  value  of an end-transaction marker: int16 version (0), int32 coordinator epoch
 */
const KEY_BYTES = 4
const MARKER_VALUE_BYTES = 6

const TYPES = [
  'ABORT',
  'COMMIT',
  'LEADER_CHANGE',
  'SNAPSHOT_HEADER',
  'SNAPSHOT_FOOTER',
  'KRAFT_VERSION',
  'KRAFT_VOTERS',
] as const
export type ControlRecordType = (typeof TYPES)[number]

/**
 * Type in a control record's key. 'UNKNOWN': a type newer than ours, to be ignored. undefined: not a valid key. Source:
 * ControlRecordType.parse.
 */
export function controlRecordType(key: Uint8Array | null): ControlRecordType | 'UNKNOWN' | undefined {
  if (key === null || key.length < KEY_BYTES || readInt16(key, 0) < 0) return undefined
  return TYPES[readInt16(key, 2)] ?? 'UNKNOWN'
}

/** End of a transaction on one partition, written on behalf of its coordinator. */
export interface EndTransactionMarker {
  readonly type: 'COMMIT' | 'ABORT'
  readonly coordinatorEpoch: number
}

/** The marker in a control record; undefined if it is no marker or a broken one. Source: EndTransactionMarker. */
export function readEndTransactionMarker(
  key: Uint8Array | null,
  value: Uint8Array | null,
): EndTransactionMarker | undefined {
  const type = controlRecordType(key)
  if (type !== 'COMMIT' && type !== 'ABORT') return undefined
  if (value === null || value.length < MARKER_VALUE_BYTES || readInt16(value, 0) < 0) return undefined
  return { type, coordinatorEpoch: readInt32(value, 2) }
}

/** Builds a batch with the marker that commits or aborts a producer's transaction. */
export function buildEndTransactionBatch(
  marker: EndTransactionMarker,
  options: Pick<BatchOptions, 'baseOffset' | 'partitionLeaderEpoch'> & {
    readonly producerId: number
    readonly producerEpoch: number
    readonly timestampMs: number
  },
): Buffer {
  const value = Buffer.alloc(MARKER_VALUE_BYTES)
  writeInt32(value, 2, marker.coordinatorEpoch)
  const record = { key: controlKey(marker.type), value, timestamp: options.timestampMs }
  return buildBatch([record], { transactional: true, control: true, ...options })
}

/** A control record that is no marker; value is encoded with the type's own schema. */
export interface ControlRecord {
  readonly type: Exclude<ControlRecordType, 'COMMIT' | 'ABORT'>
  readonly value: Uint8Array
}

/** Builds a control batch of records that are no markers. */
export function buildControlBatch(
  records: readonly ControlRecord[],
  options: Pick<BatchOptions, 'baseOffset' | 'partitionLeaderEpoch'> & { readonly timestampMs: number },
): Buffer {
  const timestamp = options.timestampMs
  const content = records.map(({ type, value }) => ({ key: controlKey(type), value, timestamp }))
  return buildBatch(content, { control: true, ...options })
}

/** The new leader of the metadata log and its voters (LeaderChangeMessage v0). */
export interface LeaderChange {
  readonly leaderId: number
  readonly voters: readonly number[]
  readonly grantingVoters: readonly number[]
}

/** Builds the batch with which a leader of the metadata log begins its epoch. */
export function buildLeaderChangeBatch(
  change: LeaderChange,
  options: Pick<BatchOptions, 'baseOffset' | 'partitionLeaderEpoch'> & { readonly timestampMs: number },
): Buffer {
  const [voters, grantingVoters] = [change.voters, change.grantingVoters].map((ids) =>
    ids.map((voterId) => ({ voterId })),
  )
  const message = { version: 0, leaderId: change.leaderId, voters, grantingVoters }
  const value = encodeControlValue(LeaderChangeMessage, message)
  return buildControlBatch([{ type: 'LEADER_CHANGE', value }], options)
}

function controlKey(type: ControlRecordType): Buffer {
  const key = Buffer.alloc(KEY_BYTES)
  writeInt16(key, 2, TYPES.indexOf(type))
  return key
}
