import { AddOffsetsToTxn } from '../../protocol/apis/add-offsets-to-txn.ts'
import { AddPartitionsToTxn } from '../../protocol/apis/add-partitions-to-txn.ts'
import { EndTxn } from '../../protocol/apis/end-txn.ts'
import { FindCoordinator } from '../../protocol/apis/find-coordinator.ts'
import { InitProducerId } from '../../protocol/apis/init-producer-id.ts'
import { Produce } from '../../protocol/apis/produce.ts'
import { coordinatorReady } from './group-scenarios.ts'
import { batchOf, FIRST_PRODUCE_BY_ID, placeOf, producer } from './record-scenarios.ts'
import { type At, inAges, inVersions, newest, type Scenario } from './scenario.ts'
import {
  aged,
  classic,
  FIRST_END_WITH_EPOCH,
  FIRST_PRODUCE_THAT_ADDS,
  type Identity,
  settled,
  transactions,
  transactionsReady,
  withVersion,
} from './transactions.ts'
import type { Send } from './transcript.ts'

const lives = inAges('transactions that commit and abort', async ({ send, at, age }) => {
  const name = `tx-life-${age}`
  const place = await placeOf(send, name)
  const tx = transactions(send, at)
  const addsItself = at(Produce) >= FIRST_PRODUCE_THAT_ADDS
  let who = await tx.begin(name)
  await tx.describe('before the first', name)
  if (!addsItself) await tx.add('adds both', who, place, 0, 1)
  await tx.describe('without records', name)
  await tx.produce('the first', who, place, 0)
  await tx.produce('the second', who, place, 2)
  await tx.produce('the second again', who, place, 2)
  await tx.produce('to the other partition', who, place, 0, { index: 1 })
  await tx.describe('in the middle', name)
  await tx.look('in the middle', place)
  who = await tx.end('commits', who, true)
  await tx.describe('committed', name)
  await tx.look('committed', place)
  await tx.look('committed, the other', place, 1)
  const sequence = addsItself ? 0 : 4
  if (!addsItself) await tx.add('adds one', who, place, 0)
  await tx.produce('the third', who, place, sequence)
  await tx.look('in the second', place)
  who = await tx.end('aborts', who, false)
  await tx.describe('aborted', name)
  await tx.look('aborted', place)
  if (!addsItself) await tx.add('adds one again', who, place, 0)
  await tx.produce('the fourth', who, place, addsItself ? 0 : 6)
  await tx.end('commits again', who, true)
  await tx.look('in the end', place)
  for (const timestamp of [-2, -3, 0]) await tx.listOffsets(`timestamp ${timestamp}, committed`, place, timestamp, 1)
})

const initialisations = inVersions(InitProducerId, 'of transactional ids', async (send, version) => {
  await transactionsReady(send)
  const id = (what: string) => `tx-init-${version}-${what}`
  const tx = transactions(send, withVersion(InitProducerId, version))
  for (const transactionTimeoutMs of [0, -1, 900_001, 2_147_483_647])
    await tx.init(`timeout ${transactionTimeoutMs}`, id('timeout'), { transactionTimeoutMs })
  await tx.describe('nothing was made', id('timeout'))
  await tx.init('the longest timeout', id('timeout'), { transactionTimeoutMs: 900_000 })
  await tx.init('the shortest timeout', id('timeout'), { transactionTimeoutMs: 1 })
  await tx.describe('a timeout that has changed', id('timeout'))
  await tx.init('an empty id', '')
  await tx.init('a long id', 'x'.repeat(10_000))
  await tx.init('an id of other letters', `${id('ä')} \u{1f980}`)
  await tx.init('the first time', id('a'))
  const again = await tx.init('the second time', id('a'))
  await tx.init('the third time', id('a'))
  await tx.describe('after three times', id('a'))
  if (version < 3) return
  const { producerId, producerEpoch } = again
  await tx.init('an id without an epoch', id('a'), { producerId })
  await tx.init('an epoch without an id', id('a'), { producerEpoch })
  await tx.init('an old epoch', id('a'), { producerId, producerEpoch })
  await tx.init('its epoch', id('a'), { producerId, producerEpoch: producerEpoch + 1 })
  await tx.init('its epoch, as if the answer was lost', id('a'), { producerId, producerEpoch: producerEpoch + 1 })
  await tx.init('the epoch before that', id('a'), { producerId, producerEpoch })
  await tx.init('an epoch to come', id('a'), { producerId, producerEpoch: producerEpoch + 7 })
  await tx.init('another producer id', id('a'), { producerId: producerId + 10_000, producerEpoch })
  await tx.init('another id and its epoch', id('a'), { producerId: producerId + 10_000, producerEpoch: 3 })
  await tx.describe('what became of it', id('a'))
  await tx.init('an unknown one that says it has an id', id('new'), { producerId, producerEpoch: 5 })
  await tx.describe('what became of the unknown one', id('new'))
  await tx.init('epoch 32766', id('high'), { producerId, producerEpoch: 32_766 })
  await tx.init('epoch 32767', id('highest'), { producerId, producerEpoch: 32_767 })
  await tx.init('a negative id', id('negative'), { producerId: -5, producerEpoch: 0 })
  await tx.init('a negative epoch', id('negative'), { producerId, producerEpoch: -5 })
})

/** A second producer of the same transactional id, while the first one has a transaction. */
const fencings = inVersions(InitProducerId, 'in the middle of a transaction', async (send, version) => {
  const name = `tx-fence-${version}`
  const place = await placeOf(send, name)
  const tx = transactions(send, withVersion(InitProducerId, version))
  const first = await tx.begin(name)
  await tx.produce('a transaction', first, place, 0)
  await tx.init('a second producer', name)
  await settled(send, name)
  await tx.describe('aborted', name)
  await tx.look('aborted', place)
  const { producerId, producerEpoch } = await tx.init('a second producer, again', name)
  const second = { ...first, producerId, producerEpoch }
  await tx.produce('the old one writes', first, place, 2)
  await tx.end('the old one ends', first, true)
  await tx.produce('the new one', second, place, 0)
  await tx.end('the new one ends', second, true)
  await tx.look('in the end', place)
  if (version < 3) return
  const wishes = {
    'an old epoch': (who: Identity) => aged(who, -1),
    'an epoch to come': (who: Identity) => aged(who, 1),
    'a stranger': (who: Identity) => ({ ...who, producerId: who.producerId + 10_000 }),
    'its own epoch': (who: Identity) => who,
  }
  for (const [what, wish] of Object.entries(wishes)) {
    const who = await tx.begin(name)
    await tx.produce(`(produce before ${what})`, who, place, 0)
    await tx.init(what, name, wish(who))
    await settled(send, name)
    await tx.describe(`after ${what}`, name)
    await tx.init(`${what}, again`, name, wish(who))
    await tx.init(`the epoch after ${what}`, name, aged(who, 1))
    await settled(send, name)
    await tx.describe(`after ${what}, again`, name)
    await tx.look(`after ${what}`, place)
  }
})

/** Each request of a transaction, of a producer that may not send it. */
async function everyRequest(send: Send, at: At, of: string, who: Identity, name: string): Promise<void> {
  const tx = transactions(send, at)
  const place = await placeOf(send, name)
  await tx.add(`${of}: adds`, who, place, 0)
  if (at(AddPartitionsToTxn) >= 4) await tx.addTopics(`${of}: verifies`, who, { [name]: [0] }, true)
  await tx.addOffsets(`${of}: adds a group`, who, name)
  await tx.produce(`${of}: produces`, who, place, 0)
  await tx.commitOffsets(`${of}: commits offsets`, who, name, place, [{ partitionIndex: 0, committedOffset: 1 }])
  await tx.end(`${of}: commits`, who, true)
  await tx.end(`${of}: aborts`, who, false)
  if (at(InitProducerId) >= 3) await tx.init(`${of}: resumes`, who.transactionalId, who)
  await settled(send, who.transactionalId)
  await tx.describe(`${of}: what became of it`, who.transactionalId)
}

const strangers = inAges('requests of producers that nobody knows', async ({ send, at, age }) => {
  await coordinatorReady(send)
  const name = `tx-stranger-${age}`
  const known = await transactions(send, at).begin(name)
  const unknown = { ...known, transactionalId: `${name}-none` }
  await everyRequest(send, at, 'an unknown id', unknown, `${name}-unknown`)
  const other = { ...known, transactionalId: `${name}-other` }
  await transactions(send, at).init('(another id)', other.transactionalId)
  await everyRequest(send, at, 'the producer id of another one', other, `${name}-other`)
  await everyRequest(send, at, 'an empty id', { ...known, transactionalId: '' }, `${name}-empty`)
  await everyRequest(send, at, 'an epoch to come', aged(known, 1), `${name}-to-come`)
  await everyRequest(send, at, 'a negative epoch', { ...known, producerEpoch: -1 }, `${name}-negative`)
})

const zombies = inAges('requests of a producer that was fenced', async ({ send, at, age }) => {
  await coordinatorReady(send)
  const name = `tx-zombie-${age}`
  const zombie = await transactions(send, at).begin(name)
  await transactions(send, at).init('(fence)', name)
  await everyRequest(send, at, 'in the empty state', zombie, name)
  const place = await placeOf(send, `${name}-busy`)
  const tx = transactions(send, at)
  await tx.add('(busy)', aged(zombie, 1), place, 0)
  await everyRequest(send, at, 'in another transaction', zombie, `${name}-busy`)
  await tx.end('(end)', aged(zombie, 1), true)
  await everyRequest(send, at, 'after the end', zombie, `${name}-end`)
})

/** Ends in each state, of a client that knows KIP-890 or does not: the version of EndTxn decides. */
const ends = inVersions(EndTxn, 'in every state', async (send, version) => {
  const name = `tx-end-${version}`
  const place = await placeOf(send, name)
  const bumps = version >= FIRST_END_WITH_EPOCH
  const tx = transactions(send, withVersion(EndTxn, version, bumps ? newest : classic))
  const ask = (what: string, who: Identity, committed: boolean) =>
    send(EndTxn, version, what, { ...who, committed }).then(() => settled(send, name))
  let who = await tx.begin(name)
  await ask('commits nothing', who, true)
  await tx.describe('nothing was committed', name)
  who = await tx.end('aborts nothing', who, false)
  await tx.describe('nothing was aborted', name)
  for (const committed of [true, false]) {
    const [does, other] = committed ? ['commits', 'aborts'] : ['aborts', 'commits']
    if (!bumps) await tx.add(`(add before it ${does})`, who, place, 0)
    await tx.produce(`(produce before it ${does})`, who, place, 0)
    await ask(`${does} with an epoch to come`, aged(who, 1), committed)
    await ask(`${does} with an old epoch`, aged(who, -1), committed)
    const next = await tx.end(does, who, committed)
    await tx.describe(`it ${does}`, name)
    await ask(`${does} again`, who, committed)
    await ask(`${does} a third time`, who, committed)
    await ask(`then ${other}`, who, !committed)
    await tx.describe(`it ${does}, again`, name)
    if (bumps) {
      await ask(`${does} nothing in the next epoch`, next, committed)
      await tx.describe(`it ${does} nothing in the next epoch`, name)
      await ask(`${other} nothing in the next epoch`, next, !committed)
      await tx.describe(`it ${other} nothing in the next epoch`, name)
    }
    who = await tx.begin(name)
  }
  await tx.add('(add, but write nothing)', who, place, 0, 1)
  who = await tx.end('commits partitions without records', who, true)
  await tx.addOffsets('(add a group, but commit nothing)', who, name)
  who = await tx.end('commits a group without offsets', who, true)
  await tx.look('in the end', place)
})

/** Clients that know KIP-890 and clients that do not take turns with one transactional id. */
const mixtures: Scenario = {
  name: 'EndTxn v4 and v5: clients old and new take turns',
  run: async (send) => {
    const name = 'tx-mixture'
    const place = await placeOf(send, name)
    const fresh = transactions(send)
    const old = transactions(send, classic)
    let who = await old.begin(name)
    await old.add('the old one adds', who, place, 0)
    await old.produce('the old one writes', who, place, 0)
    who = await fresh.end('the new one commits', who, true)
    await fresh.describe('the new one committed', name)
    await fresh.produce('the new one writes', who, place, 0)
    await old.end('the old one commits', who, true)
    await fresh.describe('the old one committed', name)
    await fresh.produce('the new one writes on', who, place, 2)
    await old.produce('the old one writes on', who, place, 4)
    const next = await fresh.end('the new one aborts', who, false)
    await old.end('the old one commits what was aborted', who, true)
    await old.end('the old one aborts what was aborted', who, false)
    await old.end('the old one aborts in the new epoch', next, false)
    await old.end('the old one commits in the new epoch', next, true)
    await fresh.look('in the end', place)
  },
}

const additions = inVersions(AddPartitionsToTxn, 'of every kind', async (send, version) => {
  const name = `tx-add-${version}`
  const place = await placeOf(send, name)
  const tx = transactions(send, withVersion(AddPartitionsToTxn, version))
  await tx.begin(name)
  const who = await tx.begin(name)
  await tx.addTopics('nothing', who, {})
  await tx.describe('nothing was added', name)
  await tx.add('a partition that is not there', who, place, 0, 7)
  await tx.add('a negative partition', who, place, -1, 0)
  await tx.addTopics('a topic that is not there', who, { [`${name}-none`]: [0], [name]: [0, 1] })
  await tx.addTopics('names that are none', who, { 'a b': [0], '': [0] })
  await tx.describe('one was wrong each time', name)
  await tx.add('one', who, place, 0)
  await tx.add('the same again', who, place, 0)
  await tx.add('both', who, place, 0, 1)
  await tx.describe('both', name)
  await tx.add('an old epoch', aged(who, -1), place, 0)
  await tx.add('an epoch to come', aged(who, 1), place, 0)
  if (version >= 4) await verifications(send, version, who, name)
  await tx.end('ends', who, false)
  await tx.describe('ended', name)
})

async function verifications(send: Send, version: number, who: Identity, name: string): Promise<void> {
  const tx = transactions(send, withVersion(AddPartitionsToTxn, version))
  const verify = (what: string, topics: Record<string, number[]>, as = who) => tx.addTopics(what, as, topics, true)
  await verify('verifies both', { [name]: [0, 1] })
  await verify('verifies nothing', {})
  await verify('verifies one that is not there', { [name]: [0, 9] })
  await verify('verifies a topic that is not there', { [`${name}-none`]: [0] })
  const other = await tx.begin(`${name}-other`)
  await verify('verifies in the empty state', { [name]: [0, 1] }, other)
  const topics = [{ name, partitions: [0] }]
  const all = [who, other].map((each) => ({ ...each, topics }))
  const ask = (what: string, transactionsOfIt: typeof all) =>
    send(AddPartitionsToTxn, version, what, { transactions: transactionsOfIt })
  await ask('two at once', all)
  await ask('two at once, one unknown', [all[0]!, { ...all[1]!, transactionalId: `${name}-none` }])
  await ask('two at once, a wrong topic in one', [
    all[0]!,
    { ...all[1]!, topics: [...topics, { name: `${name}-none`, partitions: [0, 1] }] },
  ])
  await send(AddPartitionsToTxn, version, 'one added, the other verified', {
    transactions: [{ ...all[0]!, verifyOnly: true }, all[1]!],
  })
  // Not without transactions: Kafka never answers that.
  await tx.describe('two at once', who.transactionalId, other.transactionalId)
  const next = await tx.end('(end of the other)', other, true)
  await verify('verifies after the end', { [name]: [0] }, other)
  await verify('verifies after the end, in the next epoch', { [name]: [0] }, next)
}

const groupAdditions = inVersions(AddOffsetsToTxn, 'of every kind', async (send, version) => {
  await coordinatorReady(send)
  const name = `tx-group-${version}`
  const tx = transactions(send, withVersion(AddOffsetsToTxn, version))
  await tx.begin(name)
  const who = await tx.begin(name)
  await tx.addOffsets('no group', who, '')
  await tx.describe('no group', name)
  await tx.addOffsets('a group', who, name)
  await tx.addOffsets('the same again', who, name)
  await tx.addOffsets('another group', who, `${name}-other`)
  await tx.describe('two groups', name)
  await tx.addOffsets('an old epoch', aged(who, -1), name)
  const next = await tx.end('ends', who, true)
  await tx.addOffsets('after the end', who, name)
  await tx.addOffsets('after the end, in the next epoch', next, name)
  await tx.describe('after the end', name)
})

const productions = inVersions(Produce, 'in transactions', async (send, version) => {
  const name = `tx-produce-${version}`
  const place = await placeOf(send, name)
  const fenced = await placeOf(send, `${name}-fenced`)
  const addsItself = version >= FIRST_PRODUCE_THAT_ADDS
  const tx = transactions(send, withVersion(Produce, version, addsItself ? newest : classic))
  await tx.begin(name)
  const who = await tx.begin(name)
  await tx.produce('not added', who, place, 0)
  await tx.describe('not added', name)
  if (!addsItself) await tx.add('(add)', who, place, 0)
  await tx.produce('a sequence other than 0', who, place, 5, { index: addsItself ? 1 : 0 })
  await tx.produce('the first', who, place, 0)
  await tx.produce('a gap', who, place, 7)
  await tx.produce('the second', who, place, 2)
  await tx.produce('the first again', who, place, 0)
  await tx.produce('no transactional id', who, place, 4, { transactionalId: null })
  await tx.produce('an empty transactional id', who, place, 4, { transactionalId: '' })
  await tx.produce('the id of another one', who, place, 4, { transactionalId: `${name}-none` })
  await tx.produce('not transactional, under its id', who, place, 4, { transactional: false })
  await tx.produce('a control batch', who, place, 4, { control: true })
  await tx.produce('the next epoch', aged(who, 1), place, 0)
  await tx.produce('an old epoch', aged(who, -1), place, 0)
  await tx.produce('a negative epoch', { ...who, producerEpoch: -1 }, place, 0)
  await tx.produce('a partition that is not there', who, place, 0, { index: 9 })
  await tx.describe('in the middle', name)
  await tx.look('in the middle', place)
  await severalAtOnce(send, version, who, name)
  const plain = producer(send, version)
  await plain('beside the transaction', place, batchOf(['plain']))
  const next = await tx.end('commits', who, true)
  await tx.produce('after the end', who, place, 4)
  await tx.produce('after the end, in the next epoch', next, place, addsItself ? 0 : 4)
  await tx.produce('after the end, with a gap', next, place, 9)
  await tx.describe('after the end', name)
  await tx.look('after the end', place)
  const other = await tx.begin(`${name}-other`)
  await tx.produce('another one, not added', other, fenced, 3)
  if (!addsItself) await tx.add('(add)', other, fenced, 0)
  await tx.produce('another one, not from 0', other, fenced, 3)
  await tx.produce('another one, from 0', other, fenced, 0)
  await tx.end('aborts', other, false)
  await tx.look('aborted', fenced)
})

/** Several batches in one request. */
async function severalAtOnce(send: Send, version: number, who: Identity, name: string): Promise<void> {
  const place = await placeOf(send, `${name}-several`)
  const topic = version >= FIRST_PRODUCE_BY_ID ? { topicId: place.topicId } : { name: place.name }
  const batch = ({ producerId, producerEpoch }: Identity, baseSequence: number, transactional = true) =>
    batchOf(['a', 'b'], { producerId, producerEpoch, baseSequence, transactional })
  const ask = (what: string, ...partitions: (readonly Buffer[])[]) =>
    send(Produce, version, what, {
      ...{ transactionalId: who.transactionalId, acks: -1, timeoutMs: 5000 },
      topicData: [
        { ...topic, partitionData: partitions.map((each, index) => ({ index, records: Buffer.concat(each) })) },
      ],
    })
  await transactions(send, classic).add('(both)', who, place, 0, 1)
  await ask('two partitions', [batch(who, 0)], [batch(who, 0)])
  await ask('two batches of one', [batch(who, 2), batch(who, 4)])
  await ask('one transactional and one not', [batch(who, 4)], [batch(who, 2, false)])
}

const coordinators: Scenario = {
  name: 'FindCoordinator: of transactions, in all versions',
  run: async (send) => {
    await transactionsReady(send)
    for (let version = 1; version <= newest(FindCoordinator); version++) {
      const find = (what: string, ...keys: string[]) =>
        send(FindCoordinator, version, `v${version}: ${what}`, {
          keyType: 1,
          ...(version >= 4 ? { coordinatorKeys: keys } : { key: keys[0] ?? '' }),
        })
      await find('an id', 'a')
      await find('no id', '')
      await find('a long id', 'x'.repeat(10_000))
      if (version < 4) continue
      await find('several', 'a', 'b', 'a', '')
      await find('none')
    }
  },
}

/** The last epoch that a producer gets: one more is left for fencing. */
const LAST_EPOCH = 32_766
const REQUESTS_AT_ONCE = 500

/** Initialises an id of epoch 0 until it has this epoch. */
async function initialiseUpTo(send: Send, transactionalId: string, epoch: number): Promise<void> {
  const request = { transactionalId, transactionTimeoutMs: 60_000 }
  for (let left = epoch; left > 0; left -= REQUESTS_AT_ONCE) {
    const asked = Array.from({ length: Math.min(left, REQUESTS_AT_ONCE) }, () => send(InitProducerId, 4, '~', request))
    const failed = (await Promise.all(asked)).find(({ errorCode }) => errorCode !== 0)
    if (failed !== undefined) throw new Error(`error ${failed.errorCode}`)
  }
}

const exhaustion: Scenario = {
  name: 'InitProducerId and EndTxn: producer ids whose epochs are used up',
  run: async (send, opener) => {
    const name = 'tx-exhausted'
    const place = await placeOf(send, name)
    const tx = transactions(send)
    const first = await tx.begin(name)
    const other = await tx.begin(`${name}-other`)
    await Promise.all([
      initialiseUpTo(send, name, LAST_EPOCH - 3),
      initialiseUpTo(await opener(), other.transactionalId, LAST_EPOCH - 1),
    ])
    await tx.describe('near the end', name, other.transactionalId)
    let who = await tx.begin(name)
    await tx.produce('near the end', who, place, 0)
    who = await tx.end('commits near the end', who, true)
    await tx.produce('in the last epoch but one', who, place, 0)
    who = await tx.end('commits into the last epoch', who, true)
    await tx.describe('in the last epoch', name)
    await tx.produce('in the last epoch', who, place, 0)
    const next = await tx.end('commits in the last epoch', who, true)
    await tx.describe('beyond the last epoch', name)
    await tx.look('beyond the last epoch', place)
    await tx.end('commits in the last epoch, again', who, true)
    await tx.end('aborts what it has committed', who, false)
    await tx.produce('writes in the last epoch, again', who, place, 0)
    await tx.init('the last epoch resumes', name, who)
    await tx.init('the first one resumes', name, first)
    await tx.produce('with the new id', next, place, 0)
    await tx.end('ends with the new id', next, false)
    await tx.look('in the end', place)
    const last = await tx.begin(other.transactionalId)
    await tx.produce('the other, in its last epoch', last, place, 0)
    await tx.init('the other, in the middle', other.transactionalId)
    await settled(send, other.transactionalId)
    await tx.describe('the other is fenced', other.transactionalId)
    await tx.init('the other, again', other.transactionalId)
    await tx.init('the other resumes with its last epoch', other.transactionalId, last)
    await tx.describe('the other has a new id', other.transactionalId)
    await tx.look('the other has a new id', place)
  },
}

/** Transactional ids: how they are initialised, used and fenced. */
export const transactionScenarios: readonly Scenario[] = [
  ...lives,
  ...initialisations,
  ...fencings,
  ...strangers,
  ...zombies,
  ...ends,
  mixtures,
  ...additions,
  ...groupAdditions,
  ...productions,
  coordinators,
  exhaustion,
]
