import { expect } from 'chai'
import { ApiVersions } from './apis/api-versions.ts'
import { apis } from './apis/index.ts'
import { Metadata } from './apis/metadata.ts'
import { ByteReader, MalformedError } from './byte-reader.ts'
import { ByteWriter, contiguous } from './byte-writer.ts'
import {
  readRequestHeader,
  readResponseHeader,
  requestHeaderVersion,
  responseHeaderVersion,
  writeRequestHeader,
  writeResponseHeader,
} from './headers.ts'
import { versionRange } from './schema.ts'

function reader(hex: string): ByteReader {
  return new ByteReader(Buffer.from(hex.replaceAll(' ', ''), 'hex'))
}

describe('the header of a request', () => {
  it('is v1 below the flexible versions and v2 from there on', () => {
    expect(requestHeaderVersion(Metadata, 8)).to.equal(1)
    expect(requestHeaderVersion(Metadata, 9)).to.equal(2)
  })

  it('is v0 for ControlledShutdown v0 alone', () => {
    const controlledShutdown = { key: 7, flexible: versionRange('3+') }
    expect([0, 1, 3].map((version) => requestHeaderVersion(controlledShutdown, version))).to.deep.equal([0, 1, 2])
  })

  it('is read with a client id, with a null one, and with tags to pass over', () => {
    expect(readRequestHeader(reader('0003 0008 00000007 0002 6162'))).to.deep.equal({
      apiKey: 3,
      apiVersion: 8,
      correlationId: 7,
      clientId: 'ab',
    })
    const rest = reader('0003 0009 ffffffff ffff 01 05 02 aabb 77')
    expect(readRequestHeader(rest)).to.include({ correlationId: -1, clientId: null })
    expect(rest.remaining).to.equal(1)
  })

  it('can be read in a version that we do not serve, so that ApiVersions can be answered', () => {
    expect(readRequestHeader(reader('0012 00ff 00000001 0001 78 00'))).to.include({ apiVersion: 255, clientId: 'x' })
  })

  it('is malformed for an unknown api, and where it is cut', () => {
    expect(() => readRequestHeader(reader('7fff 0000 00000001 ffff'))).to.throw(MalformedError, 'unknown api key 32767')
    expect(() => readRequestHeader(reader('0003 0008 0000'))).to.throw(MalformedError)
  })
})

describe('the header of a response', () => {
  it('is v0 for ApiVersions in every version (KIP-511)', () => {
    expect([0, 2, 3, 5].map((version) => responseHeaderVersion(ApiVersions, version))).to.deep.equal([0, 0, 0, 0])
  })

  it('is v1 in flexible versions of all others', () => {
    expect(responseHeaderVersion(Metadata, 8)).to.equal(0)
    expect(responseHeaderVersion(Metadata, 9)).to.equal(1)
  })
})

describe('headers of every api in every version', () => {
  for (const api of apis) {
    it(`${api.name}: are read as they were written`, () => {
      for (let apiVersion = api.versions.oldest; apiVersion <= api.versions.newest; apiVersion++) {
        const header = { apiVersion, correlationId: 123456789, clientId: 'client' }
        const request = new ByteWriter()
        writeRequestHeader(request, api, header)
        const requestReader = new ByteReader(contiguous(request.finish()))
        expect(readRequestHeader(requestReader)).to.deep.equal({ apiKey: api.key, ...header })
        expect(requestReader.remaining).to.equal(0)

        const response = new ByteWriter()
        writeResponseHeader(response, api, apiVersion, -5)
        const responseReader = new ByteReader(contiguous(response.finish()))
        expect(readResponseHeader(responseReader, api, apiVersion)).to.equal(-5)
        expect(responseReader.remaining).to.equal(0)
      }
    })
  }
})
