import { contiguous } from '../../protocol/byte-writer.ts'
import { encode } from '../../protocol/codegen.ts'
import { requestHeaderVersion } from '../../protocol/headers.ts'
import type { ApiSchema } from '../../protocol/schema.ts'
import type { SeededRandom } from '../../storage/host/seeded-random.ts'
import { MarkedWriter } from './marked-writer.ts'
import { int16, int32, mutated, mutatedAtMarks } from './mutations.ts'
import { randomStruct, type Vocabulary } from './random-message.ts'

/** A request with its header, without its size. */
export interface RandomRequest {
  readonly api: ApiSchema
  readonly version: number
  readonly bytes: Buffer
  readonly marks: MarkedWriter['marks']
}

/** A valid request of an API in a version, with random content. */
export function randomRequest(
  api: ApiSchema,
  version: number,
  correlationId: number,
  random: SeededRandom,
  words: Vocabulary,
): RandomRequest {
  return requestOf(api, version, correlationId, randomStruct(api.request.fields, version, random, words), random)
}

export function requestOf(
  api: ApiSchema,
  version: number,
  correlationId: number,
  body: Record<string, unknown>,
  random: SeededRandom,
): RandomRequest {
  const writer = new MarkedWriter()
  const header = requestHeaderVersion(api, version)
  writer.writeInt16(api.key)
  writer.writeInt16(version)
  writer.writeInt32(correlationId)
  if (header > 0) writer.writeString(random.oneIn(10) ? random.pick([null, '', '__admin_client']) : 'fuzzer')
  if (header === 2) writer.writeUnsignedVarint(0)
  encode(api.request, version, body as never, writer)
  return { api, version, bytes: contiguous(writer.finish()), marks: writer.marks }
}

/** The request with a fault in a length, a string, a section of tagged fields, the header, or anywhere. */
export function mutatedRequest({ bytes, marks, version }: RandomRequest, random: SeededRandom): Buffer {
  switch (random.below(10)) {
    case 0:
    case 1:
    case 2:
      return mutated(bytes, random)
    case 3:
      return withHeaderFault(Buffer.from(bytes), version, random)
    case 4:
      return mutated(mutatedAtMarks(bytes, marks, random), random)
    default:
      return mutatedAtMarks(bytes, marks, random)
  }
}

/** Changes the version (so that header or body are read in the wrong format), the API or the client id. */
function withHeaderFault(bytes: Buffer, version: number, random: SeededRandom): Buffer {
  switch (random.below(5)) {
    case 0:
      int16(version + random.pick([-1, 1, 2, -2])).copy(bytes, 2)
      return bytes
    case 1:
      int16(random.pick([-1, 99, 0x7fff, -0x8000])).copy(bytes, 2)
      return bytes
    case 2:
      int16(random.below(100) - 2).copy(bytes, 0)
      return bytes
    case 3:
      int16(random.pick([-1, -2, 0, 0x7fff])).copy(bytes, 8)
      return bytes
    default:
      // Adds or removes a tagged field section after the client id.
      return random.oneIn(2)
        ? Buffer.concat([bytes.subarray(0, 16), Buffer.from([0]), bytes.subarray(16)])
        : Buffer.concat([bytes.subarray(0, 16), bytes.subarray(17)])
  }
}

/** Prepends the size, as on a connection. */
export function framed(message: Buffer): Buffer {
  return Buffer.concat([int32(message.length), message])
}
