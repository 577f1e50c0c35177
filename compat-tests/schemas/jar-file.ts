import { readFileSync } from 'node:fs'
import { inflateRawSync } from 'node:zlib'

const END_SIGNATURE = 0x06054b50
const END_BYTES = 22
const ENTRY_SIGNATURE = 0x02014b50
const ENTRY_BYTES = 46
const LOCAL_BYTES = 30
const STORED = 0

/**
 * Text files of a jar whose path matches, by path. A jar is a zip: the central directory at its end says where each
 * file begins. No zip64, no encryption: Kafka's jars have neither.
 */
export function readJar(path: string, wanted: RegExp): Map<string, string> {
  const zip = readFileSync(path)
  const end = zip.lastIndexOf(Buffer.from([0x50, 0x4b, 5, 6]))
  if (end < 0 || zip.length < end + END_BYTES || zip.readUInt32LE(end) !== END_SIGNATURE) {
    throw new Error(`${path} is no jar`)
  }
  const files = new Map<string, string>()
  let at = zip.readUInt32LE(end + 16)
  for (let count = zip.readUInt16LE(end + 10); count > 0; count--) {
    if (zip.readUInt32LE(at) !== ENTRY_SIGNATURE) throw new Error(`${path}: no directory entry at ${at}`)
    const nameBytes = zip.readUInt16LE(at + 28)
    const name = zip.toString('utf8', at + ENTRY_BYTES, at + ENTRY_BYTES + nameBytes)
    if (wanted.test(name)) files.set(name, content(zip, at))
    at += ENTRY_BYTES + nameBytes + zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32)
  }
  return files
}

function content(zip: Buffer, entry: number): string {
  const method = zip.readUInt16LE(entry + 10)
  const size = zip.readUInt32LE(entry + 20)
  const local = zip.readUInt32LE(entry + 42)
  // Name and extra field are repeated here; the extra field may differ in length.
  const start = local + LOCAL_BYTES + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28)
  const packed = zip.subarray(start, start + size)
  return (method === STORED ? packed : inflateRawSync(packed)).toString('utf8')
}
