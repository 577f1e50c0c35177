import { apiByKey } from './apis/index.ts'
import { type ByteReader, malformed } from './byte-reader.ts'
import type { ByteWriter } from './byte-writer.ts'
import { type ApiSchema, includesVersion } from './schema.ts'

/** The header of every request. */
export interface RequestHeader {
  readonly apiKey: number
  readonly apiVersion: number
  readonly correlationId: number
  /** Null if the client sent none. */
  readonly clientId: string | null
}

const CONTROLLED_SHUTDOWN = 7
const API_VERSIONS = 18

/**
 * Header v0: key, version, correlation id; only ControlledShutdown v0 has it. v1 adds the client id. v2 adds tagged
 * fields: used by all flexible versions.
 */
export function requestHeaderVersion(api: Pick<ApiSchema, 'key' | 'flexible'>, apiVersion: number): 0 | 1 | 2 {
  if (api.key === CONTROLLED_SHUTDOWN && apiVersion === 0) return 0
  return includesVersion(api.flexible, apiVersion) ? 2 : 1
}

/**
 * Header v0: correlation id. v1 adds tagged fields, for flexible versions. ApiVersions always uses v0: a client that
 * asks in a version unknown to us must be able to read the error (KIP-511).
 */
export function responseHeaderVersion(api: Pick<ApiSchema, 'key' | 'flexible'>, apiVersion: number): 0 | 1 {
  return api.key !== API_VERSIONS && includesVersion(api.flexible, apiVersion) ? 1 : 0
}

/**
 * Reads the header of a request in any version of any api that has a schema. The caller checks whether the version is
 * served. Throws MalformedError, also for an unknown api, whose header layout is unknown.
 */
export function readRequestHeader(reader: ByteReader): RequestHeader {
  const apiKey = reader.readInt16()
  const apiVersion = reader.readInt16()
  const api = apiByKey.get(apiKey)
  if (api === undefined) return malformed(`unknown api key ${apiKey}`)
  const version = requestHeaderVersion(api, apiVersion)
  const correlationId = reader.readInt32()
  // The client id has a 16 bit length in v2 too, so that a broker of any age can read the header up to it.
  const clientId = version === 0 ? null : reader.readString()
  if (version === 2) reader.skipTaggedFields()
  return { apiKey, apiVersion, correlationId, clientId }
}

export function writeRequestHeader(writer: ByteWriter, api: ApiSchema, header: Omit<RequestHeader, 'apiKey'>): void {
  const version = requestHeaderVersion(api, header.apiVersion)
  writer.writeInt16(api.key)
  writer.writeInt16(header.apiVersion)
  writer.writeInt32(header.correlationId)
  if (version > 0) writer.writeString(header.clientId)
  if (version === 2) writer.writeUnsignedVarint(0)
}

/** Returns the correlation id. Throws MalformedError. */
export function readResponseHeader(reader: ByteReader, api: ApiSchema, apiVersion: number): number {
  const correlationId = reader.readInt32()
  if (responseHeaderVersion(api, apiVersion) === 1) reader.skipTaggedFields()
  return correlationId
}

export function writeResponseHeader(
  writer: ByteWriter,
  api: ApiSchema,
  apiVersion: number,
  correlationId: number,
): void {
  writer.writeInt32(correlationId)
  if (responseHeaderVersion(api, apiVersion) === 1) writer.writeUnsignedVarint(0)
}
