import { expect } from 'chai'
import { strayCopies } from './stray-copies.ts'

const OWN = 'B9tNdH1zRsmI8JTueZP1SA'
const OTHER = '4L6g3nShT-eMCtK--X86sw'

/** Instead of a topic id: the copy has none, and no records. */
const EMPTY = 'empty'

/** The data directories of the strays, given the topic ids of the copies in /0, /1 and so on. */
function straysOf(topicIds: readonly (string | undefined)[], topicId: string | undefined): string[] {
  const copies = topicIds.map((id, index) => ({
    found: { name: 't-0', topic: 't', partition: 0, logDirectory: `/${index}` },
    topicId: id === EMPTY ? undefined : id,
    hasRecords: id !== EMPTY,
  }))
  return strayCopies(copies, topicId).map(({ found, why }) => `${found.logDirectory} ${why}`)
}

const of = (id: string) => `is of another topic t, with the id ${id} instead of ${OWN}`

const empty = 'has neither a topic id nor records, and another directory has the partition, too'

describe('of several copies of a partition', () => {
  for (const [title, topicIds, topicId, strays] of [
    ['those with another topic id are strays', [OTHER, OWN], OWN, [`/0 ${of(OTHER)}`]],
    ['all may be strays', [OTHER, OTHER], OWN, [`/0 ${of(OTHER)}`, `/1 ${of(OTHER)}`]],
    ['those of the topic are none', [OWN, OWN], OWN, []],
    [
      'one without a topic id is a stray if another one is the topic’s',
      [undefined, OWN],
      OWN,
      [`/0 has no topic id, and another directory has the partition of topic t, with the id ${OWN}`],
    ],
    ['one without a topic id may be the topic’s if no other one is', [undefined, OTHER], OWN, [`/1 ${of(OTHER)}`]],
    ['one with neither a topic id nor records is a stray', [EMPTY, undefined], OWN, [`/0 ${empty}`]],
    ['one of those that have neither is kept', [EMPTY, EMPTY], OWN, [`/1 ${empty}`]],
    ['those with records are kept', [undefined, undefined], OWN, []],
    [
      'all are strays if there is no such topic',
      [undefined, OTHER],
      undefined,
      [
        '/0 is a partition without a topic id of a topic that is not in the metadata',
        `/1 is a partition with the topic id ${OTHER} of a topic that is not in the metadata`,
      ],
    ],
  ] as const)
    it(title, () => {
      expect(straysOf(topicIds, topicId)).to.deep.equal(strays)
    })
})
