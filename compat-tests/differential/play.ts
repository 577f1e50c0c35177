import { controllerHandlers } from '../../src/apis/controller-apis.ts'
import { CLUSTER_ID, ownControllerSettings } from '../apache-kafka.ts'
import { RawClient } from '../raw-client.ts'
import type { Difference } from './compare.ts'
import type { KnownDifference } from './known-differences.ts'
import type { Scenario } from './scenario.ts'
import { type Exchange, type Send, Transcript } from './transcript.ts'

/** Settings of the Apache Kafka of the test, for Ottla. */
export const asKafkaIsStarted = { 'cluster.id': CLUSTER_ID, ...ownControllerSettings }

/** Ports of one broker. */
interface Ports {
  readonly port: number
  readonly controllerPort: number
}

const controllerApis = new Set(controllerHandlers.map(({ api }) => api.key))

/** What a broker answers in a scenario. endpoint 'controller': requests that controllers serve go to its controller. */
export async function play(
  scenario: Scenario,
  { port, controllerPort }: Ports,
  endpoint: 'broker' | 'controller',
): Promise<Exchange[]> {
  const transcript = new Transcript()
  const clients: RawClient[] = []
  const connect = async (to: number) => {
    const client = await RawClient.connect(to)
    clients.push(client)
    return transcript.sender(client)
  }
  const open = async (): Promise<Send> => {
    const toBroker = await connect(port)
    if (endpoint === 'broker') return toBroker
    const toController = await connect(controllerPort)
    return (api, ...rest) => (controllerApis.has(api.key) ? toController : toBroker)(api, ...rest)
  }
  try {
    await scenario.run(await open(), open, transcript.knocker(endpoint === 'broker' ? port : controllerPort))
  } finally {
    for (const client of clients) client.close()
  }
  return transcript.exchanges
}

/** The differences that are not listed. Adds the sources of those that explain others to `used`. */
export function unexplained(
  found: readonly Difference[],
  known: readonly KnownDifference[],
  used: Set<string>,
): Difference[] {
  return found.filter(({ place }) => {
    const reason = known.find((each) => each.place.test(place))
    if (reason !== undefined) used.add(reason.place.source)
    return reason === undefined
  })
}

/** A difference as a line of a failure. */
export function line({ place, kafka, ottla }: Difference): string {
  return `${place}: Kafka ${JSON.stringify(kafka)}, Ottla ${JSON.stringify(ottla)}`
}
