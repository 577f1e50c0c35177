import { Metadata } from '../../protocol/apis/metadata.ts'
import { opCodes } from '../../src/zookeeper/op-codes.ts'
import { bodies, TestClient } from '../../src/zookeeper/test-client.fixture.ts'
import { SimulatedCrash } from '../../storage/host/faulty-files.ts'
import { SeededRandom } from '../../storage/host/seeded-random.ts'
import { SimulatedHost } from '../../storage/host/simulated-host.ts'
import { SimulatedBroker } from './simulated-broker.ts'
import { CheckFailed, check } from './storage-model.ts'
import type { Trace } from './trace.ts'
import { runJudging } from './uncaught-errors.ts'
import { drawOperation, type Facts, type Operation } from './zookeeper-operations.ts'

const STEPS = 60
const ZOOKEEPER_PORT = 2181
/** Changes of files within which a crash is drawn: an operation makes about a dozen. */
const CHANGES_BEFORE_CRASH = 40
const NODE_TOPIC = '__zookeeper_nodes'

/** What happened in a run. Tests check it, for example that there were crashes. */
export interface ZooKeeperCounts {
  operations: number
  cleanStops: number
  kills: number
  /** Crashes in the middle of an operation, and how many of these operations had taken effect. */
  crashes: number
  completed: number
  powerLosses: number
}

/**
 * Runs a broker with its ZooKeeper endpoint, one client and faults. Rules: an operation that was answered stays; one that
 * was under way when the broker ended has happened wholly or not at all; the tree and Kafka's own answers agree. Throws
 * CheckFailed if a rule is broken. The same seed gives the same history.
 */
export async function simulateZooKeeper(seed: number, trace: Trace = () => {}): Promise<ZooKeeperCounts> {
  const simulation = new ZooKeeperSimulation(seed, trace)
  await runJudging(simulation)
  return simulation.counts
}

class ZooKeeperSimulation {
  readonly counts: ZooKeeperCounts = {
    operations: 0,
    cleanStops: 0,
    kills: 0,
    crashes: 0,
    completed: 0,
    powerLosses: 0,
  }
  readonly #random: SeededRandom
  readonly #host: SimulatedHost
  readonly #broker: SimulatedBroker
  readonly #trace: Trace
  /** Acknowledged records are synced, so the machine may lose power. */
  readonly #isSynced: boolean
  #facts: Facts = new Map()
  #client!: TestClient
  #failure: unknown

  constructor(seed: number, trace: Trace) {
    this.#trace = trace
    this.#random = new SeededRandom(seed)
    this.#host = new SimulatedHost(seed)
    const { fatal } = this.#host
    this.#host.fatal = (reason) => {
      if (!(reason instanceof SimulatedCrash)) fatal(reason)
    }
    this.#isSynced = this.#random.oneIn(2)
    const settings = {
      'zookeeper.connect': `localhost:${ZOOKEEPER_PORT}`,
      'metadata.log.max.record.bytes.between.snapshots': this.#random.pick(['1000', '20971520']),
      'log.cleaner.backoff.ms': '1000',
      ...(this.#isSynced ? { 'log.flush.interval.messages': '1' } : {}),
    }
    const complain = (fields: object, message: string) => {
      trace(fields, message)
      if (!this.#host.files.crashed) this.#failure ??= new CheckFailed(`the broker complains: ${message}`)
    }
    const logger = { error: complain, warn: trace, info: trace, debug() {} }
    this.#broker = new SimulatedBroker(this.#host, settings, logger)
  }

  /** An uncaught error: a real process would have ended. */
  ended(reason: unknown): void {
    if (!(reason instanceof SimulatedCrash) && !this.#host.files.crashed) this.#failure ??= reason
  }

  async run(): Promise<void> {
    await this.#start()
    for (let i = 0; i < STEPS; i++) {
      await this.#step()
      // What crashed after the answer: a snapshot, a checkpoint.
      if (this.#host.files.crashed) await this.#restart('process')
      this.#host.files.crashAfterChanges = Number.POSITIVE_INFINITY
      if (this.#failure !== undefined) throw this.#failure
      if (this.#host.fatalReason !== undefined) throw this.#host.fatalReason
    }
  }

  async #step(): Promise<void> {
    const dice = this.#random.below(100)
    if (dice < 60) return this.#operate()
    if (dice < 65) return this.#host.advance(this.#random.pick([10, 2000, 60_000]))
    if (dice < 70) return this.#restart('stop')
    if (dice < 75) return this.#restart('process')
    if (dice < 80) return this.#restart(this.#isSynced ? 'power' : 'stop')
    this.#host.files.crashAfterChanges = this.#random.below(CHANGES_BEFORE_CRASH)
    return this.#operate()
  }

  async #operate(): Promise<void> {
    if (this.#client.isClosed) await this.#connect()
    const operation = drawOperation(this.#random, this.#facts)
    const error = await this.#outcome(operation)
    this.#trace({ error }, operation.what)
    this.counts.operations++
    if (error !== 'CLOSED') {
      check(error === 'OK', `${operation.what}: ${error}`)
      this.#facts = after(this.#facts, operation)
      return
    }
    check(this.#host.files.crashed, `${operation.what}: the connection was closed`)
    this.counts.crashes++
    await this.#crashed(operation)
  }

  async #outcome(operation: Operation): Promise<string> {
    try {
      const error = await this.#host.settle(operation.run(this.#client, this.#broker))
      // What a process says in the very turn in which it ends reaches nobody.
      return error !== 'OK' && this.#host.files.crashed ? 'CLOSED' : error
    } catch (error) {
      if (error instanceof CheckFailed || !this.#host.files.crashed) throw error
      return 'CLOSED'
    }
  }

  /** The operation under way has happened wholly or not at all. */
  async #crashed(operation: Operation): Promise<void> {
    await this.#broker.end(this.#isSynced && this.#random.oneIn(2) ? 'power' : 'process')
    await this.#start()
    const seen = await this.#seen()
    const [without, with_] = [this.#facts, after(this.#facts, operation)]
    if (isSame(seen, with_)) {
      this.counts.completed++
      this.#facts = with_
    } else check(isSame(seen, without), `${operation.what} happened in part: ${difference(seen, without)}`)
  }

  async #restart(how: 'stop' | 'process' | 'power'): Promise<void> {
    this.counts[how === 'stop' ? 'cleanStops' : how === 'power' ? 'powerLosses' : 'kills']++
    await this.#broker.end(how)
    await this.#start()
    const seen = await this.#seen()
    check(isSame(seen, this.#facts), `after ${how}: ${difference(seen, this.#facts)}`)
  }

  async #start(): Promise<void> {
    this.#host.files.crashAfterChanges = Number.POSITIVE_INFINITY
    await this.#broker.start()
    await this.#connect()
  }

  async #connect(): Promise<void> {
    this.#client = await TestClient.dial((client) => {
      const connection = this.#broker.connect(client, ZOOKEEPER_PORT)
      return { send: (bytes) => connection.send(bytes), close: () => connection.close() }
    })
    const session = await this.#host.settle(this.#client.connect())
    check(session !== undefined && session.timeoutMs > 0, 'there is no session')
  }

  /** What the tree shows; Kafka's own answer must agree about topics. */
  async #seen(): Promise<Facts> {
    const facts = new Map<string, string>()
    for (const topic of await this.#children('/brokers/topics')) {
      const { partitions } = JSON.parse((await this.#data(`/brokers/topics/${topic}`))!)
      facts.set(`topic ${topic}`, String(Object.keys(partitions).length))
      const states = await this.#children(`/brokers/topics/${topic}/partitions`)
      check(states.length === Object.keys(partitions).length, `${topic} has ${states.length} states`)
    }
    await this.#compareWithKafka(facts)
    for (const topic of await this.#children('/config/topics'))
      facts.set(`config ${topic}`, configOf(await this.#data(`/config/topics/${topic}`)))
    for (const user of await this.#children('/config/users'))
      facts.set(`user ${user}`, configOf(await this.#data(`/config/users/${user}`)))
    for (const name of await this.#children('/consumers'))
      facts.set(`node /consumers/${name}`, (await this.#data(`/consumers/${name}`)) ?? '')
    return facts
  }

  async #compareWithKafka(facts: Facts): Promise<void> {
    const wish = { topics: null, allowAutoTopicCreation: false }
    const flags = { includeClusterAuthorizedOperations: false, includeTopicAuthorizedOperations: false }
    const { topics } = await this.#host.settle(this.#broker.ask(Metadata, 9, { ...wish, ...flags }))
    const byKafka = topics.filter(({ name }) => name !== NODE_TOPIC)
    const told = new Map(byKafka.map(({ name, partitions }) => [`topic ${name}`, String(partitions.length)]))
    check(isSame(told, facts), `Kafka and ZooKeeper differ: ${difference(facts, told)}`)
  }

  async #children(path: string): Promise<readonly string[]> {
    const { error, body } = await this.#ask(opCodes.getChildren, path)
    check(error === 'OK', `children of ${path}: ${error}`)
    return body.vector(4, (reader) => reader.string()!)!
  }

  async #data(path: string): Promise<string | null> {
    const { error, body } = await this.#ask(opCodes.getData, path)
    check(error === 'OK', `data of ${path}: ${error}`)
    return body.string()
  }

  #ask(type: number, path: string) {
    return this.#host.settle(this.#client.call(type, bodies.pathAndWatch(path)))
  }
}

function configOf(data: string | null): string {
  return JSON.stringify(JSON.parse(data ?? '{}').config ?? {})
}

function after(facts: Facts, { changes }: Operation): Facts {
  const next = new Map(facts)
  for (const [name, value] of changes) {
    if (value === undefined) next.delete(name)
    else next.set(name, value)
  }
  return next
}

function isSame(one: Facts, other: Facts): boolean {
  return one.size === other.size && [...one].every(([name, value]) => other.get(name) === value)
}

function difference(seen: Facts, expected: Facts): string {
  const names = new Set([...seen.keys(), ...expected.keys()])
  const differing = [...names].filter((name) => seen.get(name) !== expected.get(name))
  return differing.map((name) => `${name} is ${seen.get(name)} instead of ${expected.get(name)}`).join('; ')
}
