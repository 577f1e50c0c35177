import { expect } from 'chai'
import { silentLogger } from '../observe/logger.ts'
import { MemoryMetadata } from './memory-metadata.fixture.ts'
import type { MetadataImage } from './metadata-image.ts'
import { warnOfUnenforced } from './unenforced-metadata.ts'

const quota = { entity: [{ entityType: 'user', entityName: 'a' }], values: new Map([['request_percentage', 1]]) }

function rig(image: Partial<MetadataImage>) {
  const metadata = new MemoryMetadata()
  metadata.image = { ...metadata.image, ...image }
  const lines: string[] = []
  warnOfUnenforced(metadata, { ...silentLogger, warn: (_, line) => lines.push(line) })
  const becomes = (changed: Partial<MetadataImage>) => {
    metadata.image = { ...metadata.image, ...changed }
    metadata.setConfig('t', 'retention.ms', '1')
    return lines.splice(0)
  }
  return { lines: lines.splice(0), becomes }
}

describe('metadata that is not enforced', () => {
  it('is named at the start', () => {
    expect(rig({ clientQuotas: new Map([['a', quota]]) }).lines).to.deep.equal([
      '1 client quota is set and not in force: Ottla has no client quotas yet',
    ])
  })

  it('is named when the first of a kind is set, and not again', () => {
    const { lines, becomes } = rig({})
    expect(lines).to.deep.equal([])
    expect(becomes({ clientQuotas: new Map([['a', quota]]) })).to.have.length(1)
    const scramCredentials = new Map([['a', new Map()]])
    expect(becomes({ scramCredentials })).to.deep.equal([
      'SCRAM credentials of 1 user are stored, and nobody needs them to connect: Ottla has no SASL yet',
    ])
    expect(becomes({ clientQuotas: new Map(), scramCredentials: new Map() })).to.deep.equal([])
    expect(becomes({ clientQuotas: new Map([['a', quota]]), scramCredentials })).to.deep.equal([])
  })
})
