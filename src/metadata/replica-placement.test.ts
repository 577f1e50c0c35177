import { expect } from 'chai'
import { isRejection } from '../../protocol/error-codes.ts'
import { placeReplicas } from './replica-placement.ts'

/** Brokers as `1` (alive) or `1!` (fenced), with a rack as `1a`. */
const brokersOf = (text: string) =>
  text.split(' ').map((each) => ({
    nodeId: Number.parseInt(each, 10),
    epoch: 1,
    rack: /[a-z]/.exec(each)?.[0] ?? null,
    fenced: each.endsWith('!'),
    directories: [],
    endpoints: new Map(),
  }))

/** Every random number is `start`, modulo its bound. */
function place(brokers: string, partitionCount: number, replicationFactor: number, start = 0) {
  const random = (bound: number) => start % bound
  const placed = placeReplicas(brokersOf(brokers), { partitionCount, replicationFactor, random })
  return isRejection(placed) ? placed.message : placed.join(' ')
}

// Compared with Kafka's placer at random: compat-tests/controller.
describe('placement of replicas', () => {
  it('leaders take turns, followers are the next brokers', () => {
    expect(place('1 2 3', 3, 2)).to.equal('1,2 2,3 3,1')
    expect(place('3 1 2', 3, 2, 1)).to.equal('2,3 3,1 1,2')
  })

  it('all are shuffled after each broker had its turn', () => {
    expect(place('1 2 3', 6, 2)).to.equal('1,2 2,3 3,1 2,3 3,1 1,2')
  })

  it('replicas are on different racks where there are enough', () => {
    expect(place('1a 2a 3b 4b', 4, 2)).to.equal('1,3 4,2 1,3 4,2')
    const racks = new Map(brokersOf('1a 2a 3b 4b 5c').map(({ nodeId, rack }) => [nodeId, rack]))
    for (let start = 0; start < 7; start++)
      for (const replicas of place('1a 2a 3b 4b 5c', 20, 3, start)!.split(' '))
        expect(new Set(replicas.split(',').map((node) => racks.get(Number(node)))).size).to.equal(3)
  })

  it('a fenced broker leads nothing, and follows where it is needed', () => {
    for (let start = 0; start < 4; start++) {
      expect(place('1 2 3!', 4, 2, start)).to.not.match(/3/)
      expect(place('1 2 3!', 4, 3, start)).to.match(/^([12],[12],3 ?){4}$/)
    }
  })

  it('is refused without live brokers, or with too few', () => {
    expect(place('1! 2!', 1, 1)).to.match(/: All brokers are currently fenced/)
    expect(place('1 2!', 1, 3)).to.match(/factor of 3 cannot be reached because only 2 broker\(s\) are registered/)
  })
})
