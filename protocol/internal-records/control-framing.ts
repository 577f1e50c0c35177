import { ByteWriter, contiguous } from '../byte-writer.ts'
import { encode } from '../codegen.ts'

/** Value of a control record of the metadata log. Kafka writes and reads version 0 of all of them. */
export function encodeControlValue(schema: Parameters<typeof encode>[0], value: object): Buffer {
  const writer = new ByteWriter()
  encode(schema, 0, value as never, writer)
  return contiguous(writer.finish())
}
