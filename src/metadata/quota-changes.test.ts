import { expect } from 'chai'
import { MemoryMetadata } from './memory-metadata.fixture.ts'
import { type ClientQuotas, type QuotaEntity, quotaEntityKey } from './metadata-image.ts'
import { decideQuotaChanges, type QuotaAlteration } from './quota-changes.ts'

const user = [{ entityType: 'user', entityName: 'a' }]
const client = { entityType: 'client-id', entityName: 'c' }

function decisionsOf(alterations: readonly QuotaAlteration[], current: readonly ClientQuotas[] = []) {
  const clientQuotas = new Map(current.map((each) => [quotaEntityKey(each.entity), each]))
  const image = { ...new MemoryMetadata().image, clientQuotas }
  const steps = decideQuotaChanges(image, alterations, (name) => name === '127.0.0.1')
  for (;;) {
    const { done, value } = steps.next()
    if (done === true) return value
  }
}

/** What is written for one entity, or the message of its refusal. */
function outcome(entity: QuotaEntity, values: Record<string, number | null>, current: Record<string, number> = {}) {
  const operations = Object.entries(values).map(([key, value]) => ({ key, value }))
  const before = { entity, values: new Map(Object.entries(current)) }
  const [decision] = decisionsOf([{ entity, operations }], [before])
  return decision!.refusal?.message ?? Object.fromEntries(decision!.changes.map(({ key, value }) => [key, value]))
}

describe('a change of client quotas', () => {
  it('writes what differs from the current values', () => {
    const current = { producer_byte_rate: 5, consumer_byte_rate: 6 }
    const wanted = { producer_byte_rate: 5, consumer_byte_rate: 7, request_percentage: 0.5 }
    expect(outcome(user, wanted, current)).to.deep.equal({ consumer_byte_rate: 7, request_percentage: 0.5 })
  })

  it('removes what is set, and nothing else', () => {
    const wanted = { producer_byte_rate: null, consumer_byte_rate: null, no_such_rate: null }
    expect(outcome(user, wanted, { producer_byte_rate: 5 })).to.deep.equal({ producer_byte_rate: null })
  })

  it('is refused for keys that its entity does not have', () => {
    const address = [{ entityType: 'ip', entityName: '127.0.0.1' }]
    expect(outcome(user, { connection_creation_rate: 1 })).to.equal(
      'Invalid configuration key connection_creation_rate',
    )
    expect(outcome(address, { producer_byte_rate: 1 })).to.equal('Invalid configuration key producer_byte_rate')
    expect(outcome(address, { connection_creation_rate: 1 })).to.deep.equal({ connection_creation_rate: 1 })
  })

  it('is refused for values out of range', () => {
    const address = [{ entityType: 'ip', entityName: null }]
    expect(outcome(user, { request_percentage: 0 })).to.equal('Quota request_percentage must be greater than 0')
    expect(outcome(user, { request_percentage: Number.NaN })).to.match(/must be a finite number/)
    expect(outcome(user, { producer_byte_rate: 1.5 })).to.equal('producer_byte_rate cannot be a fractional value.')
    expect(outcome(user, { producer_byte_rate: 2 ** 64 })).to.match(/too large for a LONG/)
    expect(outcome(address, { connection_creation_rate: 2 ** 31 })).to.match(/too large for an INT/)
  })

  it('is refused for entities that Kafka does not have', () => {
    expect(outcome([], {})).to.equal('Invalid empty client quota entity')
    expect(outcome([{ entityType: 'planet', entityName: 'x' }], {})).to.match(/Unhandled .* planet/)
    expect(outcome([{ entityType: 'user', entityName: '' }], {})).to.equal('Empty user not supported')
    expect(outcome([{ entityType: 'ip', entityName: 'nowhere' }], {})).to.match(/^nowhere is not a valid IP/)
    expect(outcome([...user, { entityType: 'ip', entityName: null }], {})).to.match(/IP entity shouldnot be combined/)
  })

  it('of an entity that occurs twice is refused, but its first part stands', () => {
    const change = (value: number, ...entity: QuotaEntity) => ({
      entity,
      operations: [{ key: 'request_percentage', value }],
    })
    const decisions = decisionsOf([change(1, ...user, client), change(2, client, ...user), change(3, client)])
    expect(
      decisions.map(({ refusal, changes }) => [refusal?.message, changes.map(({ value }) => value)]),
    ).to.deep.equal([
      ['Ignoring duplicate entity ClientQuotaEntity(entries={client-id=c, user=a})', [1]],
      [undefined, [3]],
    ])
  })
})
