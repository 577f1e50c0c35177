import { ListConfigResources } from '../../protocol/apis/list-config-resources.ts'
import { errorCode } from '../../protocol/error-codes.ts'
import { mapInSlices, type Slices } from '../../storage/host/turn-slices.ts'
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

/** Lists resources that have or may have settings (KIP-714, KIP-1142). Source: KafkaApis.handleListConfigResources. */
export const listConfigResources = handler(ListConfigResources, async (request, { services, slices, apiVersion }) => {
  if (apiVersion === 0)
    return { errorCode: 0, configResources: await named(configResourceType.clientMetrics, services, slices) }
  const asked = request.resourceTypes.length === 0 ? supported : [...new Set(request.resourceTypes)]
  if (asked.some((type) => !supported.some((known) => known === type)))
    return { errorCode: errorCode('UNSUPPORTED_VERSION'), configResources: [] }
  const configResources = await mapInSlices(asked, slices, (type) => named(type, services, slices))
  return { errorCode: 0, configResources: configResources.flat() }
})

async function named(resourceType: number, { metadata }: Services, slices: Slices) {
  const { image } = metadata
  const prefix = `${resourceType}:`
  const withSettings = async () => {
    const names = await mapInSlices(image.configs.keys(), slices, (key) =>
      key.startsWith(prefix) ? [key.slice(prefix.length)] : [],
    )
    return names.flat()
  }
  const names = () => {
    if (resourceType === configResourceType.topic) return image.topicsByName.keys()
    if (resourceType === configResourceType.broker || resourceType === configResourceType.brokerLogger)
      return [...image.brokers.keys()].map(String)
    return withSettings()
  }
  return mapInSlices(await names(), slices, (resourceName) => ({ resourceName, resourceType }))
}
