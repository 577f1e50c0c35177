import { ByteReader } from '../../protocol/byte-reader.ts'
import { ByteWriter, contiguous } from '../../protocol/byte-writer.ts'

/** One message in a file that MessageBytes.java writes or reads. */
export interface MessageEntry {
  readonly name: string
  readonly version: number
  readonly bytes: Buffer
}

/** Format: name:string version:int16 size:int32 bytes[size], repeated. */
export function readMessageFile(content: Buffer): MessageEntry[] {
  const reader = new ByteReader(content)
  const entries: MessageEntry[] = []
  while (reader.remaining > 0) {
    const name = reader.readString() as string
    const version = reader.readInt16()
    entries.push({ name, version, bytes: reader.readBytes() as Buffer })
  }
  return entries
}

export function messageFile(entries: readonly MessageEntry[]): Buffer {
  const writer = new ByteWriter()
  for (const { name, version, bytes } of entries) {
    writer.writeString(name)
    writer.writeInt16(version)
    writer.writeBytes(bytes)
  }
  return contiguous(writer.finish())
}
