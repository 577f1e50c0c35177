import { apis } from '../protocol/apis/index.ts'
import * as consumerProtocol from '../protocol/internal-records/consumer-protocol.ts'
import * as controlRecords from '../protocol/internal-records/control-records.ts'
import {
  groupRecords,
  metadataRecords,
  shareStateRecords,
  transactionRecords,
} from '../protocol/internal-records/index.ts'
import * as quorumState from '../protocol/internal-records/quorum-state.ts'
import type { MessageSchema } from '../protocol/schema.ts'

const coordinatorRecords = [...groupRecords, ...transactionRecords, ...shareStateRecords]

/** Every message with a schema in Ottla; the names are Kafka's. */
export const allSchemas: readonly MessageSchema[] = [
  ...apis.flatMap((api) => [api.request, api.response]),
  ...coordinatorRecords.flatMap((record) => [record.key, record.value]),
  ...metadataRecords,
  ...Object.values(controlRecords),
  ...Object.values(consumerProtocol),
  ...Object.values(quorumState),
]

/** API key or record type of a message, if it has one. */
export const keyOf: ReadonlyMap<string, number> = new Map([
  ...apis.flatMap((api) => [api.request, api.response].map((schema) => [schema.name, api.key] as const)),
  ...coordinatorRecords.flatMap((record) =>
    [record.key, record.value].map((schema) => [schema.name, record.type] as const),
  ),
  ...metadataRecords.map((schema) => [schema.name, schema.apiKey] as const),
])
