import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import fc from 'fast-check'
import { ByteReader, MalformedError } from '../../protocol/byte-reader.ts'
import { decode } from '../../protocol/codegen.ts'
import type { MessageSchema } from '../../protocol/schema.ts'
import { allSchemas } from '../all-schemas.ts'
import { needs } from '../requirements.ts'
import { messageBytes, SEED } from './message-bytes.ts'
import { type MessageEntry, messageFile, readMessageFile } from './message-file.ts'

const JUDGE = '4.4.0'
const schemas = new Map(allSchemas.map((schema) => [schema.name, schema]))

/** Reason why Ottla cannot decode these bytes as that message; undefined if it can. */
function refusal(schema: MessageSchema, { version, bytes }: MessageEntry): string | undefined {
  const reader = new ByteReader(bytes)
  try {
    decode(schema, version, reader)
  } catch (error) {
    if (error instanceof MalformedError) return error.message
    throw error
  }
  return reader.remaining === 0 ? undefined : 'bytes left over'
}

/**
 * Each message truncated, or with one byte changed to a value likely to cause trouble: lengths of zero, minus one, too
 * large.
 */
function damaged(messages: readonly MessageEntry[]): MessageEntry[] {
  const positions = fc.sample(fc.nat(), { seed: SEED, numRuns: messages.length })
  return messages.flatMap((message, index) => {
    const at = (positions[index] as number) % message.bytes.length
    const changed = [0x00, 0xff, 0x80, 0x7f].map((byte) => {
      const bytes = Buffer.from(message.bytes)
      bytes[at] = byte
      return { ...message, bytes }
    })
    return [...changed, { ...message, bytes: message.bytes.subarray(0, at) }]
  })
}

describe(`damaged messages (seed ${SEED})`, () => {
  needs('java', 'maven')
  let directory: string | undefined

  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'ottla-refusals-'))
  })
  after(() => {
    if (directory !== undefined) rmSync(directory, { recursive: true })
  })

  it("are refused where Kafka's own classes refuse them, and read where those do", async function () {
    this.timeout(600_000) // the jars are downloaded if they are missing
    const [whole, broken, read] = ['whole', 'broken', 'read'].map((name) => join(directory as string, name)) as [
      string,
      string,
      string,
    ]
    await messageBytes(JUDGE, 'write', String(SEED), '3', whole)
    const messages = readMessageFile(readFileSync(whole)).filter(
      ({ name, bytes }) => schemas.has(name) && bytes.length > 0,
    )
    const entries = damaged(messages)
    writeFileSync(broken, messageFile(entries))
    await messageBytes(JUDGE, 'rewrite', broken, read)
    const theirs = readMessageFile(readFileSync(read))
    const disputed = entries.flatMap((entry, index) => {
      const ours = refusal(schemas.get(entry.name) as MessageSchema, entry)
      const theyRefuse = theirs[index]?.bytes.length === 0 && entry.bytes.length > 0
      // Kafka ignores the size of a tagged field that it knows.
      if ((ours !== undefined) === theyRefuse || entry.bytes.length === 0 || ours?.startsWith('tagged field')) return []
      return [`${entry.name} v${entry.version} ${entry.bytes.toString('hex')}: ${ours ?? 'read'}`]
    })
    expect(entries.length).to.be.greaterThan(5000)
    expect(disputed).to.deep.equal([])
  })
})
