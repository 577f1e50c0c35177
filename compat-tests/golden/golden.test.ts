import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import fc from 'fast-check'
import { apiByKey, apis } from '../../protocol/apis/index.ts'
import { arbitraryMessage } from '../../protocol/arbitrary-message.fixture.ts'
import { ByteReader } from '../../protocol/byte-reader.ts'
import { ByteWriter, contiguous } from '../../protocol/byte-writer.ts'
import { decode, encode } from '../../protocol/codegen.ts'
import {
  readRequestHeader,
  readResponseHeader,
  writeRequestHeader,
  writeResponseHeader,
} from '../../protocol/headers.ts'
import { type ApiSchema, type InputValue, includesVersion, type MessageSchema } from '../../protocol/schema.ts'
import { allSchemas } from '../all-schemas.ts'
import { needs } from '../requirements.ts'
import { messageBytes, SEED } from './message-bytes.ts'
import { type MessageEntry, messageFile, readMessageFile } from './message-file.ts'

/** 4.4.0 checks every version that it knows; 3.9.1 checks the older ones that 4.x dropped. */
const JUDGES = ['4.4.0', '3.9.1'] as const
type Judge = (typeof JUDGES)[number]

/** Messages of each name and version, in each direction. */
const COUNT = Number(process.env.GOLDEN_COUNT ?? 20)

function idOf({ name, version }: { name: string; version: number }): string {
  return `${name} v${version}`
}

function encoded(schema: MessageSchema, version: number, value: object): Buffer {
  const writer = new ByteWriter()
  encode(schema, version, value as InputValue<never>, writer)
  return contiguous(writer.finish())
}

function versionsOf(schema: MessageSchema): number[] {
  return Array.from(
    { length: schema.versions.newest - schema.versions.oldest + 1 },
    (_, index) => schema.versions.oldest + index,
  )
}

describe(`Kafka's own classes (seed ${SEED})`, () => {
  needs('java', 'maven')
  let directory: string
  /** Messages written by Kafka, by name and version. */
  const kafkas = new Map<string, Buffer[]>()
  /** Messages written by Ottla, and Kafka's rewritten form. */
  const ours = new Map<string, { readonly bytes: Buffer; readonly rewritten: Buffer }[]>()
  const judgeOf = new Map<string, Judge>()

  before(async function () {
    this.timeout(600_000) // the jars are downloaded if they are missing
    directory = mkdtempSync(join(tmpdir(), 'ottla-golden-'))
    const messages = await Promise.all(JUDGES.map(messagesOf))
    for (const [index, judge] of JUDGES.entries()) collectKafkas(judge, messages[index]!)
    await Promise.all(JUDGES.map(collectOurs))
  })

  after(() => {
    if (directory !== undefined) rmSync(directory, { recursive: true })
  })

  async function messagesOf(judge: Judge): Promise<MessageEntry[]> {
    const file = join(directory, `kafka-${judge}`)
    await messageBytes(judge, 'write', String(SEED), String(COUNT), file)
    return readMessageFile(readFileSync(file))
  }

  function collectKafkas(judge: Judge, messages: readonly MessageEntry[]): void {
    const entries = messages.filter((entry) => !judgeOf.has(idOf(entry)))
    for (const entry of entries) judgeOf.set(idOf(entry), judge)
    for (const entry of entries) kafkas.set(idOf(entry), [...(kafkas.get(idOf(entry)) ?? []), entry.bytes])
  }

  async function collectOurs(judge: Judge): Promise<void> {
    const entries = allSchemas.flatMap((schema) =>
      versionsOf(schema)
        .filter((version) => judgeOf.get(idOf({ name: schema.name, version })) === judge)
        .flatMap((version) => samples(schema, version)),
    )
    writeFileSync(join(directory, `ours-${judge}`), messageFile(entries))
    await messageBytes(judge, 'rewrite', join(directory, `ours-${judge}`), join(directory, `rewritten-${judge}`))
    const rewritten = readMessageFile(readFileSync(join(directory, `rewritten-${judge}`)))
    expect(rewritten).to.have.length(entries.length)
    entries.forEach((entry, index) => {
      const pair = { bytes: entry.bytes, rewritten: (rewritten[index] as MessageEntry).bytes }
      ours.set(idOf(entry), [...(ours.get(idOf(entry)) ?? []), pair])
    })
  }

  function samples(schema: MessageSchema, version: number): MessageEntry[] {
    const values = fc.sample(arbitraryMessage(schema, version), { seed: SEED, numRuns: COUNT })
    return values.map((value) => ({ name: schema.name, version, bytes: encoded(schema, version, value) }))
  }

  describe('write messages that we read and write back unchanged', () => {
    for (const schema of allSchemas) {
      it(`${schema.name}, every version`, () => {
        for (const version of versionsOf(schema)) {
          const messages = kafkas.get(idOf({ name: schema.name, version })) ?? []
          expect(messages, `messages of v${version}`).to.have.length(COUNT)
          for (const bytes of messages) {
            const reader = new ByteReader(bytes)
            const value = decode(schema, version, reader)
            expect(reader.remaining, `v${version}: bytes left over`).to.equal(0)
            const back = encoded(schema, version, value)
            expect(back.toString('hex'), `v${version}`).to.equal(bytes.toString('hex'))
          }
        }
      })
    }
  })

  describe('read messages of ours and write them back unchanged', () => {
    for (const schema of allSchemas) {
      it(`${schema.name}, every version`, () => {
        for (const version of versionsOf(schema)) {
          const pairs = ours.get(idOf({ name: schema.name, version })) ?? []
          expect(pairs, `messages of v${version}`).to.have.length(COUNT)
          for (const { bytes, rewritten } of pairs) {
            expect(rewritten.toString('hex'), `v${version}`).to.equal(bytes.toString('hex'))
          }
        }
      })
    }
  })

  describe('write headers that we read and write back unchanged', () => {
    const seen = new Set<string>()
    const headers: MessageEntry[] = []

    before(async function () {
      this.timeout(60_000)
      const file = (judge: Judge) => join(directory, `headers-${judge}`)
      await Promise.all(JUDGES.map((judge) => messageBytes(judge, 'headers', String(SEED), file(judge))))
      for (const judge of JUDGES) headers.push(...readMessageFile(readFileSync(file(judge))))
    })

    it('of requests and responses of every api and version', () => {
      for (const { name, version, bytes } of headers) {
        const api = apiByKey.get(bytes.readInt16BE())
        if (api === undefined || !includesVersion(api.versions, version)) continue
        const back = name === 'RequestHeader' ? requestHeader(bytes, api) : responseHeader(bytes, api, version)
        expect(back.toString('hex'), `${api.name} v${version} ${name}`).to.equal(bytes.toString('hex', 2))
        seen.add(idOf({ name: `${api.name} ${name}`, version }))
      }
    })

    it('and none is missing', () => {
      const count = apis.reduce((sum, api) => sum + versionsOf(api.request).length, 0)
      expect(seen.size).to.equal(2 * count)
    })

    function requestHeader(bytes: Buffer, api: ApiSchema): Buffer {
      const reader = new ByteReader(bytes, 2)
      const header = readRequestHeader(reader)
      expect(reader.remaining).to.equal(0)
      const writer = new ByteWriter()
      writeRequestHeader(writer, api, header)
      return contiguous(writer.finish())
    }

    function responseHeader(bytes: Buffer, api: ApiSchema, version: number): Buffer {
      const reader = new ByteReader(bytes, 2)
      const correlationId = readResponseHeader(reader, api, version)
      expect(reader.remaining).to.equal(0)
      const writer = new ByteWriter()
      writeResponseHeader(writer, api, version, correlationId)
      return contiguous(writer.finish())
    }
  })
})
