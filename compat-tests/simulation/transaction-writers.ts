import { InitProducerId } from '../../protocol/apis/init-producer-id.ts'
import { errorName } from '../../protocol/error-codes.ts'
import { BatchSender } from './batch-sender.ts'
import type { PartitionHistory } from './broker-model.ts'
import { ClusterClient } from './cluster-client.ts'
import { answerOf, Refused } from './patient-requests.ts'
import { check } from './storage-model.ts'
import type { WrittenRecord } from './transaction-ledger.ts'
import { type Scheme, TransactionProducer } from './transaction-producer.ts'
import type { TransactionWorld } from './transaction-world.ts'
import { Turns } from './turns.ts'

/** Parts of a long transaction. */
const MOST_PARTS = 6

/** Writes long transactions to several partitions, also of topics that come and go. */
export class TransactionWriter {
  readonly turns: Turns
  readonly producer: TransactionProducer
  sleepsUntilMs = 0
  /** It begins no further transaction. */
  isEnding = false
  isEnded = false
  isReplaced = false
  readonly #world: TransactionWorld

  constructor(
    world: TransactionWorld,
    wanted: {
      readonly transactionalId: string
      readonly name: string
      readonly scheme: Scheme
      readonly timeoutMs: number
    },
  ) {
    this.#world = world
    this.turns = new Turns(world.random)
    this.producer = new TransactionProducer(world, this.turns, wanted)
  }

  async run(): Promise<void> {
    while (!this.isEnding && !this.isReplaced) {
      try {
        await this.producer.init()
        while (!this.isEnding) await this.#writeTransaction()
      } catch (error) {
        if (!(error instanceof Refused)) throw error
        this.#world.counts.refusedProducers++
        await this.turns.next()
      }
    }
    this.isEnded = true
  }

  async #writeTransaction(): Promise<void> {
    const { random, ledger, topics, host } = this.#world
    const attempt = this.producer.begin()
    const passing = random.oneIn(3) ? topics.passing.flatMap(({ partitions }) => [...partitions]) : []
    const partitions = [...topics.outputs, ...passing]
    let isLost = false
    for (let parts = 1 + random.below(MOST_PARTS); parts > 0 && !isLost; parts--) {
      const records = Array.from({ length: 1 + random.below(5) }, () => ledger.write(random.pick(partitions), attempt))
      isLost = !(await this.producer.send(records))
      await this.turns.next()
      if (random.oneIn(15))
        this.sleepsUntilMs = host.clock.monotonicMs() + random.pick([2000, 2 * this.producer.timeoutMs])
    }
    if (isLost) await this.producer.giveUp()
    else await this.producer.end(random.oneIn(4) ? 'abort' : 'commit')
    await this.turns.next()
  }
}

/** Writes records outside of transactions: to the input, and between the records of transactions. */
export class PlainWriter {
  readonly turns: Turns
  isEnding = false
  isEnded = false
  readonly acknowledged: WrittenRecord[] = []
  readonly #world: TransactionWorld
  readonly #name: string
  readonly #partitions: () => readonly PartitionHistory[]
  readonly #isIdempotent: boolean
  readonly #most: number
  readonly #client: ClusterClient
  readonly #sender: BatchSender
  #written = 0

  /** most: records that it writes in all. */
  constructor(world: TransactionWorld, name: string, partitions: () => readonly PartitionHistory[], most: number) {
    this.#world = world
    this.#name = name
    this.#partitions = partitions
    this.#most = most
    this.turns = new Turns(world.random)
    this.#isIdempotent = !world.random.oneIn(3)
    this.#client = new ClusterClient(world.broker, name)
    this.#sender = new BatchSender(world, this.turns, { name, version: world.random.pick([7, 9, 11, 12, 13]) })
  }

  async run(): Promise<void> {
    while (!this.isEnding && this.#written < this.#most) {
      try {
        if (this.#isIdempotent) await this.#init()
        while (!this.isEnding && this.#written < this.#most) await this.#write()
      } catch (error) {
        if (!(error instanceof Refused)) throw error
        check(this.#world.isFailing, `${this.#name} was answered ${error.error}`)
        await this.turns.next()
      }
    }
    this.isEnded = true
  }

  async #init(): Promise<void> {
    for (;;) {
      await this.turns.next()
      const answer = await answerOf(() =>
        this.#client.ask(InitProducerId, 4, { transactionalId: null, transactionTimeoutMs: 1 }),
      )
      if (answer === undefined) continue
      const error = errorName(answer.value.errorCode)
      const isFine = error === 'NONE'
      check(isFine || this.#world.isFailing, `${this.#name}: no producer id is given: ${error}`)
      if (!isFine) continue
      const { producerId, producerEpoch } = answer.value
      this.#world.ledger.givenToAnyone(producerId, this.#name)
      this.#sender.producer = { producerId, producerEpoch }
      this.#sender.restart()
      return
    }
  }

  async #write(): Promise<void> {
    const { random, ledger } = this.#world
    await this.turns.next()
    const partition = random.pick(this.#partitions())
    const records = Array.from({ length: 1 + random.below(4) }, () => ledger.write(partition))
    this.#written += records.length
    const batch = this.#sender.compose(partition, records)
    if (!this.#isIdempotent) return this.#sender.sendOnce([batch])
    if (await this.#sender.send([batch])) this.acknowledged.push(...records)
  }
}
