import { type BrokerImage, controllerIdOf, type MetadataImage } from '../../metadata/metadata-image.ts'
import type { BrokerTree, ClientView } from '../broker-nodes.ts'
import { brokerData, controllerData } from './node-data.ts'

const CONTROLLER = '/controller'

/**
 * Puts /controller: the broker that Metadata names, which passes requests on. The controller itself stays what it is, and
 * so does its epoch. Another broker makes the node anew; without a live one there is none.
 */
export function putController(
  tree: BrokerTree,
  before: MetadataImage | undefined,
  image: MetadataImage,
  nowMs: number,
): void {
  const brokerId = controllerIdOf(image)
  if (before !== undefined && controllerIdOf(before) === brokerId) return
  tree.remove(CONTROLLER)
  if (brokerId !== -1) tree.put(CONTROLLER, controllerData(brokerId, nowMs), { isEphemeral: true })
}

/**
 * Puts /brokers/ids/N of the brokers that came, and removes those of brokers that went. A broker that registers again
 * makes its node anew, as the session of a restarted broker does.
 */
export function putBrokers(
  tree: BrokerTree,
  before: MetadataImage | undefined,
  image: MetadataImage,
  nowMs: number,
): void {
  for (const nodeId of new Set([...(before?.brokers.keys() ?? []), ...image.brokers.keys()])) {
    const [old, live] = [liveBroker(before, nodeId), liveBroker(image, nodeId)]
    if (old?.epoch === live?.epoch) continue
    const path = `/brokers/ids/${nodeId}`
    if (old !== undefined) tree.remove(path)
    if (live !== undefined) tree.put(path, dataOf(live, nowMs), { isEphemeral: true })
  }
}

function liveBroker(image: MetadataImage | undefined, nodeId: number): BrokerImage | undefined {
  const broker = image?.brokers.get(nodeId)
  return broker?.fenced === false ? broker : undefined
}

/** Like a client of Kafka: one that is told no host uses the address at which it came. */
function dataOf({ endpoints, rack }: BrokerImage, nowMs: number) {
  return (view: ClientView) => {
    const shown = [...endpoints].map(([listener, { host, port }]) => {
      return { listener, securityProtocol: 'PLAINTEXT', host: host || view.localAddress, port }
    })
    return brokerData(shown, rack, nowMs)
  }
}
