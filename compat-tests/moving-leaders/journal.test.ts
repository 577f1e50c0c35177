import { expect } from 'chai'
import { Journal, type TopicLog } from './journal.ts'

/** Three records in one partition, of two keys. */
const log: TopicLog = [
  [
    { offset: 0, key: 'a', number: 0 },
    { offset: 1, key: 'b', number: 1 },
    { offset: 2, key: 'a', number: 2 },
  ],
]

const produced = ['acked 0 0 a 0', 'acked 0 1 b 1', 'acked 0 2 a 2', 'produced 3']
const reads = ['read g 0 0 0 a 0', 'read g 0 0 1 b 1', 'read g 0 0 2 a 2']
const consumed = ['assigned g 0 0', ...reads, 'committed g 0 0 3']

function journalOf(...lines: readonly string[]): Journal {
  const journal = new Journal(['g'])
  for (const line of lines) journal.write(line, 0)
  return journal
}

function failuresOf(lines: readonly string[], of: TopicLog = log): readonly string[] {
  const journal = journalOf(...lines)
  journal.compare(of)
  return journal.failures
}

describe('the journal of a client', () => {
  it('finds nothing wrong with records that were acknowledged, read in order and committed', () => {
    const journal = journalOf(...produced, ...consumed)
    expect(journal.hasDrained(log)).to.equal(true)
    journal.compare(log)
    expect(journal.failures).to.deep.equal([])
  })

  it('lets a member read again from the last committed position after it got the partition again', () => {
    const again = ['committed g 0 0 1', 'revoked g 0 0', 'assigned g 1 0', 'read g 1 0 1 b 1', 'read g 1 0 2 a 2']
    const journal = journalOf(...produced, 'assigned g 0 0', ...reads, ...again, 'committed g 1 0 3')
    journal.compare(log)
    expect(journal.failures).to.deep.equal([])
    expect(journal.readAgain).to.equal(2)
  })

  it('is drained only when everything is read and committed', () => {
    expect(journalOf(...produced, 'assigned g 0 0', ...reads, 'committed g 0 0 2').hasDrained(log)).to.equal(false)
    expect(journalOf(...produced, 'assigned g 0 0', reads[0]!, reads[1]!).hasDrained(log)).to.equal(false)
  })

  const planted: Readonly<Record<string, readonly [lines: readonly string[], failure: string, log?: TopicLog]>> = {
    'an acknowledged record that is not in the log': [
      ['acked 0 3 b 3', ...produced, ...consumed],
      'record 3 was acknowledged at 0:3, where the log has nothing',
    ],
    'an acknowledged record where another one is': [
      ['acked 0 1 b 0', ...produced.slice(1), ...consumed],
      'record 0 was acknowledged at 0:1, where the log has record 1 of b',
    ],
    'a record acknowledged twice': [[...produced, produced[0]!, ...consumed], 'record 0 was acknowledged twice'],
    'a record that nobody told about': [[...produced.slice(1), ...consumed], '3 records were sent, 2 acknowledged'],
    'a record that is in the log twice': [
      [...produced, ...consumed, 'read g 0 0 3 a 2', 'committed g 0 0 4'],
      'record 2 is in the log twice, at 0:2 and 0:3',
      [[...log[0]!, { offset: 3, key: 'a', number: 2 }]],
    ],
    'records of a key out of order': [
      ['acked 0 0 a 2', 'acked 0 1 b 1', 'acked 0 2 a 0', 'produced 3', 'assigned g 0 0', ...swapped(reads)],
      'a is out of order at 0:2: 0 after 2',
      [swapped(log[0]!.map(({ number }) => number)).map((number, offset) => ({ ...log[0]![offset]!, number }))],
    ],
    'a gap in the log': [['acked 0 1 b 1', 'produced 1'], 'the log has 0:1 where 0 should be', [log[0]!.slice(1)]],
    'a record that the group never read': [
      [...produced, 'assigned g 0 0', reads[0]!, reads[1]!],
      'g read nothing at 0:2, where the log has 2',
    ],
    'a record read with other content': [
      [...produced, 'assigned g 0 0', reads[0]!, reads[1]!, 'read g 0 0 2 a 7'],
      'g read 7 at 0:2, where the log has 2',
    ],
    'a record that a member skipped': [
      [...produced, 'assigned g 0 0', reads[0]!, reads[2]!, 'revoked g 0 0', ...consumed],
      'g 0 read 0:2 after 0',
    ],
    'a record skipped by whoever got the partition': [
      [...produced, 'assigned g 0 0', reads[0]!, 'assigned g 1 0', 'read g 1 0 2 a 2', ...consumed],
      'g 1 read 0:2 before 1 was read',
    ],
    'a member that goes back without a rebalance': [
      [...produced, 'assigned g 0 0', ...reads, reads[1]!, reads[2]!],
      'g 0 read 0:1 after 2',
    ],
    'a member that reads what it does not own': [
      [...produced, ...consumed.slice(1)],
      'g 0 read 0:0 without the partition',
    ],
    'a committed position that was forgotten': [
      [...produced, ...consumed, 'assigned g 1 0', 'read g 1 0 2 a 2'],
      'g 1 read 0:2 first, although 3 was committed',
    ],
    'a position committed beyond what was read': [
      [...produced, 'assigned g 0 0', reads[0]!, 'committed g 0 0 2', ...reads.slice(1)],
      'g 0 committed 0:2, but only records below 1 were read',
    ],
    'a commit that goes back': [[...produced, ...consumed, 'committed g 0 0 2'], 'g 0 committed 0:2 after 3'],
    'an error that the application got': [[...produced, ...consumed, 'error g 0 no broker'], 'error g 0 no broker'],
    'a record that the client gave up': [['failed b 3 timed out', ...produced, ...consumed], 'failed b 3 timed out'],
  }
  for (const [what, [lines, failure, of]] of Object.entries(planted))
    it(`finds ${what}`, () => expect(failuresOf(lines, of)).to.include(failure))
})

/** First and last exchanged. */
function swapped<T>(items: readonly T[]): T[] {
  return [items.at(-1)!, ...items.slice(1, -1), items[0]!]
}
