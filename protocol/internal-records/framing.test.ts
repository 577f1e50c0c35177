import { expect } from 'chai'
import { ByteReader, MalformedError } from '../byte-reader.ts'
import { OffsetCommitRecord } from './classic-group-records.ts'
import { decodeKey, decodeValue, encodeKey, encodeValue, keyType } from './coordinator-framing.ts'
import { encodeMetadataRecord, readMetadataRecord } from './metadata-framing.ts'
import { RemoveTopicRecord, TopicRecord } from './topic-records.ts'

describe("a coordinator's record", () => {
  const key = { group: 'g', topic: 't', partition: 1 }
  const value = { offset: 42, leaderEpoch: 3, metadata: '', commitTimestamp: 9 }

  it('has its type before the key', () => {
    const bytes = encodeKey(OffsetCommitRecord, key)
    expect(bytes.toString('hex')).to.equal('000100016700017400000001')
    expect(keyType(bytes)).to.equal(1)
    expect(decodeKey(OffsetCommitRecord, bytes)).to.deep.equal(key)
  })

  it('has its version before the value', () => {
    const bytes = encodeValue(OffsetCommitRecord, 3, value)
    expect(bytes.toString('hex')).to.equal('0003000000000000002a0000000300000000000000000009')
    expect(decodeValue(OffsetCommitRecord, bytes)).to.include(value)
  })

  it('is malformed in a version that nobody knows', () => {
    expect(() => decodeValue(OffsetCommitRecord, Buffer.from('0063', 'hex'))).to.throw(MalformedError, 'version 99')
  })
})

describe('a record of the metadata log', () => {
  const topic = { name: 'orders', topicId: 'AAECAwQFBgcICQoLDA0ODw' }

  it('says frame version, key and version before its body', () => {
    const bytes = encodeMetadataRecord(TopicRecord, 0, topic)
    expect(bytes.toString('hex')).to.equal('010200076f7264657273000102030405060708090a0b0c0d0e0f00')
    const record = readMetadataRecord(new ByteReader(bytes))
    expect(record.as(TopicRecord)).to.deep.equal(topic)
    expect(record.as(RemoveTopicRecord)).to.equal(undefined)
  })

  for (const [name, hex] of [
    ['an unknown frame version', '020200'],
    ['an unknown key', '01ff7f00'],
    ['an unknown version', '010263'],
  ] as const) {
    it(`is malformed in ${name}`, () => {
      expect(() => readMetadataRecord(new ByteReader(Buffer.from(hex, 'hex')))).to.throw(MalformedError)
    })
  }
})
