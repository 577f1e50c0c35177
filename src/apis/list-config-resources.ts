import { ListConfigResources } from '../../protocol/apis/list-config-resources.ts'
import { errorCode } from '../../protocol/error-codes.ts'
import { configResourceType } from '../metadata/metadata-image.ts'
import { handler } from './handler.ts'
import type { Services } from './services.ts'

const supported = [
  configResourceType.clientMetrics,
  configResourceType.brokerLogger,
  configResourceType.broker,
  configResourceType.topic,
  configResourceType.group,
]

/** Names resources that have, or may have, settings (KIP-714, KIP-1142). Source: KafkaApis.handleListConfigResources. */
export const listConfigResources = handler(ListConfigResources, (request, { services, apiVersion }) => {
  if (apiVersion === 0) return { errorCode: 0, configResources: named(configResourceType.clientMetrics, services) }
  const asked = request.resourceTypes.length === 0 ? supported : [...new Set(request.resourceTypes)]
  if (asked.some((type) => !supported.some((known) => known === type)))
    return { errorCode: errorCode('UNSUPPORTED_VERSION'), configResources: [] }
  return { errorCode: 0, configResources: asked.flatMap((type) => named(type, services)) }
})

function named(resourceType: number, { metadata }: Services) {
  const { image } = metadata
  const prefix = `${resourceType}:`
  const withSettings = () =>
    [...image.configs.keys()].filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length))
  const names = () => {
    if (resourceType === configResourceType.topic) return [...image.topicsByName.keys()]
    if (resourceType === configResourceType.broker || resourceType === configResourceType.brokerLogger)
      return [...image.brokers.keys()].map(String)
    return withSettings()
  }
  return names().map((resourceName) => ({ resourceName, resourceType }))
}
