import { CreateTopics } from '../../protocol/apis/create-topics.ts'
import { errorName } from '../../protocol/error-codes.ts'
import { opCodes } from '../../src/zookeeper/op-codes.ts'
import { bodies, type TestClient } from '../../src/zookeeper/test-client.fixture.ts'
import type { SeededRandom } from '../../storage/host/seeded-random.ts'
import type { SimulatedBroker } from './simulated-broker.ts'

/**
 * What a client can see, as text by name: `topic T` its number of partitions, `config T` and `user U` their settings,
 * `node P` its data.
 */
export type Facts = ReadonlyMap<string, string>

/** A change of facts; undefined: the fact is gone. */
export type FactChange = readonly [name: string, value: string | undefined]

/** One operation, which happens wholly or not at all. */
export interface Operation {
  readonly what: string
  readonly changes: readonly FactChange[]
  /** The error, or CLOSED if the broker ended first. */
  run(client: TestClient, broker: SimulatedBroker): Promise<string>
}

const TOPICS = ['t0', 't1', 't2']
const USERS = ['u0', 'u1']
const NODES = ['/consumers/a', '/consumers/b', '/consumers/c']
const MOST_PARTITIONS = 5
const CREDENTIAL = 'salt=c2FsdA==,stored_key=c3RvcmVk,server_key=c2VydmVy,iterations='

/** Draws an operation that must succeed with these facts. */
export function drawOperation(random: SeededRandom, facts: Facts): Operation {
  const draws = [topicOperation, topicOperation, configOperation, userOperation, nodeOperation, multiOperation]
  return random.pick(draws)(random, facts)
}

function topicOperation(random: SeededRandom, facts: Facts): Operation {
  const topic = random.pick(TOPICS)
  const partitions = Number(facts.get(`topic ${topic}`) ?? 0)
  if (partitions === 0) return random.oneIn(3) ? createByKafka(topic) : create(topic, 1 + random.below(2), facts)
  if (partitions < MOST_PARTITIONS && random.oneIn(2)) return grow(topic, partitions + 1)
  return {
    what: `delete ${topic}`,
    changes: [
      [`topic ${topic}`, undefined],
      [`config ${topic}`, undefined],
    ],
    run: (client) => write(client, opCodes.create, bodies.create(`/admin/delete_topics/${topic}`, null)),
  }
}

const topicData = (count: number) =>
  JSON.stringify({ version: 1, partitions: Object.fromEntries(Array.from({ length: count }, (_, i) => [i, [1]])) })

function create(topic: string, count: number, facts: Facts): Operation {
  return {
    what: `create ${topic} with ${count}`,
    changes: [
      [`topic ${topic}`, String(count)],
      [`config ${topic}`, facts.get(`config ${topic}`) ?? '{}'],
    ],
    run: (client) => write(client, opCodes.create, bodies.create(`/brokers/topics/${topic}`, topicData(count))),
  }
}

/** Settings that a ZooKeeper client has left for a topic do not concern a topic that comes by Kafka's protocol. */
function createByKafka(topic: string): Operation {
  const wish = { name: topic, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }
  return {
    what: `create ${topic} by Kafka's protocol`,
    changes: [
      [`topic ${topic}`, '1'],
      [`config ${topic}`, '{}'],
    ],
    async run(_, broker) {
      const { topics } = await broker.ask(CreateTopics, 7, { topics: [wish] })
      return topics[0]!.errorCode === 0 ? 'OK' : errorName(topics[0]!.errorCode)
    },
  }
}

function grow(topic: string, count: number): Operation {
  return {
    what: `grow ${topic} to ${count}`,
    changes: [[`topic ${topic}`, String(count)]],
    run: (client) => write(client, opCodes.setData, bodies.setData(`/brokers/topics/${topic}`, topicData(count))),
  }
}

function configOperation(random: SeededRandom, facts: Facts): Operation {
  const topic = random.pick(TOPICS)
  const settings = JSON.stringify({ 'retention.ms': String(1000 + random.below(1000)) })
  const exists = facts.has(`config ${topic}`)
  return {
    what: `settings of ${topic}`,
    changes: [[`config ${topic}`, settings]],
    run: (client) => put(client, `/config/topics/${topic}`, `{"version":1,"config":${settings}}`, exists),
  }
}

/** A quota and a credential together. */
function userOperation(random: SeededRandom, facts: Facts): Operation {
  const user = random.pick(USERS)
  const number = 4096 + random.below(1000)
  const settings = JSON.stringify({ 'SCRAM-SHA-256': `${CREDENTIAL}${number}`, producer_byte_rate: String(number) })
  return {
    what: `settings of ${user}`,
    changes: [[`user ${user}`, settings]],
    run: (client) =>
      put(client, `/config/users/${user}`, `{"version":1,"config":${settings}}`, facts.has(`user ${user}`)),
  }
}

function nodeOperation(random: SeededRandom, facts: Facts): Operation {
  const path = random.pick(NODES)
  const exists = facts.has(`node ${path}`)
  if (exists && random.oneIn(3))
    return {
      what: `delete ${path}`,
      changes: [[`node ${path}`, undefined]],
      run: (client) => write(client, opCodes.delete, bodies.pathAndVersion(path)),
    }
  const data = String(random.below(1000))
  return {
    what: `write ${path}`,
    changes: [[`node ${path}`, data]],
    run: (client) => put(client, path, data, exists),
  }
}

/** Two nodes together. */
function multiOperation(random: SeededRandom, facts: Facts): Operation {
  const [first, second] = NODES.filter((path) => !facts.has(`node ${path}`))
  if (first === undefined || second === undefined) return nodeOperation(random, facts)
  return {
    what: `write ${first} and ${second} together`,
    changes: [
      [`node ${first}`, 'm'],
      [`node ${second}`, 'n'],
    ],
    run: (client) =>
      write(
        client,
        opCodes.multi,
        bodies.multi([opCodes.create, bodies.create(first, 'm')], [opCodes.create, bodies.create(second, 'n')]),
      ),
  }
}

function put(client: TestClient, path: string, data: string, exists: boolean): Promise<string> {
  return exists
    ? write(client, opCodes.setData, bodies.setData(path, data))
    : write(client, opCodes.create, bodies.create(path, data))
}

async function write(client: TestClient, type: number, body: Buffer): Promise<string> {
  return (await client.call(type, body)).error
}
