import { expect } from 'chai'
import { replicaSelectors } from '../config/replica-selectors.ts'
import type { BrokerImage } from '../metadata/metadata-image.ts'
import { preferredReadReplica } from './replica-selector.ts'

/** Brokers 1 to 4 in racks a, b, b, c. */
const brokers = new Map(
  ['a', 'b', 'b', 'c'].map((rack, index): [number, BrokerImage] => [
    index + 1,
    { nodeId: index + 1, epoch: 1, rack, fenced: false, directories: [], endpoints: new Map() },
  ]),
)
const partition = { leader: 1, isr: [1, 2, 3] }
const nearest = (clientRack: string, at = partition, selector: string | null = replicaSelectors.rackAware) =>
  preferredReadReplica(at, brokers, { selector, clientRack })

describe('the replica that a consumer should read from', () => {
  it('is in sync and in its rack', () => {
    expect(nearest('b')).to.equal(3)
    expect(nearest('b', { leader: 1, isr: [1, 2] })).to.equal(2)
    expect(nearest('c')).to.equal(undefined)
  })

  it('is the leader in its rack, or if no replica is', () => {
    expect(nearest('a')).to.equal(undefined)
    expect(nearest('b', { leader: 2, isr: [2, 3] })).to.equal(undefined)
    expect(nearest('d')).to.equal(undefined)
    expect(nearest('')).to.equal(undefined)
  })

  it('is alive', () => {
    brokers.set(3, { ...brokers.get(3)!, fenced: true })
    expect(nearest('b')).to.equal(2)
  })

  it('is the leader unless the setting asks for the nearest', () => {
    expect(nearest('b', partition, null)).to.equal(undefined)
    expect(nearest('b', partition, replicaSelectors.leader)).to.equal(undefined)
  })
})
