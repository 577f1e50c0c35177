import { isRejection, type Rejection } from '../../../protocol/error-codes.ts'
import {
  type AlteredResource,
  decideConfigChange,
  decideControllerConfigChange,
} from '../../metadata/config-changes.ts'
import { configResourceType, type MetadataImage } from '../../metadata/metadata-image.ts'
import type { NodeChange } from '../broker-nodes.ts'
import {
  type Done,
  done,
  type Meaning,
  malformed,
  notAllowed,
  type Refusal,
  refusedBy,
  type WriteParts,
} from './broker-request.ts'
import { entityOfNode } from './entity-names.ts'
import { MALFORMED_SETTINGS, readConfigData } from './node-data.ts'

type Settings = ReadonlyMap<string, string>

/**
 * A write to /config/topics/T. Undefined if there is no such topic: tools write the settings of a new topic before the
 * topic, and until then the node is theirs.
 */
export function topicConfigWrite(change: NodeChange, topic: string, parts: WriteParts): Meaning | undefined {
  if (!parts.metadata.image.topicsByName.has(topic)) return undefined
  if (change.kind === 'delete') return notAllowed(`the node exists as long as topic ${topic}`)
  return resourceWrite(change.data, configResourceType.topic, topic, parts)
}

/** A write to /config/brokers/N, or to the default of all brokers. */
export function brokerConfigWrite(change: NodeChange, node: string, parts: WriteParts): Meaning {
  const name = entityOfNode(node)
  if (name === undefined) return malformed(`${node} names no broker`)
  return resourceWrite(change.kind === 'delete' ? null : change.data, configResourceType.broker, name ?? '', parts)
}

function resourceWrite(data: Buffer | null, type: number, name: string, parts: WriteParts): Meaning {
  const settings = readConfigData(data)
  if (settings === undefined) return malformed(MALFORMED_SETTINGS)
  return () => replaceSettings(type, name, settings, parts)
}

/** The node has all settings of the resource: what it does not name is removed. */
async function replaceSettings(
  type: number,
  name: string,
  settings: Settings,
  parts: WriteParts,
): Promise<Refusal | Done> {
  const { metadata, nowMs } = parts
  const changes = [...settings].map(([setting, value]) => ({ name: setting, operation: 0, value }))
  let refused: Rejection | undefined
  // biome-ignore lint/correctness/useYield: one resource is one step
  const change = function* (image: MetadataImage) {
    const decision = decide({ type, name, changes, replacesAll: true }, image, parts)
    refused = isRejection(decision) ? decision : undefined
    return isRejection(decision) ? [] : [{ resourceType: type, resourceName: name, settings: decision }]
  }
  const refusal = (await metadata.alterConfigs(change, { nowMs: nowMs() })) ?? refused
  return refusal === undefined ? done : refusedBy(refusal)
}

/** A broker checks its own settings. For one that does not run, the controller does, which knows less. */
function decide(resource: AlteredResource, image: MetadataImage, { configs, configsOf }: WriteParts) {
  const isOfOne = resource.type === configResourceType.broker && resource.name !== ''
  const own = isOfOne ? configsOf(Number(resource.name)) : configs
  if (own !== undefined) return decideConfigChange(resource, { nodeId: own.nodeId, image, configs: own })
  return decideControllerConfigChange(resource, { nodeId: configs.nodeId, image, configs })
}
