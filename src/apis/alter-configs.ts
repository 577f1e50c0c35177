import { AlterConfigs } from '../../protocol/apis/alter-configs.ts'
import { alterResources } from './alter-resources.ts'
import { handler } from './handler.ts'

/**
 * Replaces all settings of a resource; settings not listed are removed. Source: KafkaApis.handleAlterConfigsRequest.
 */
export const alterConfigs = handler(AlterConfigs, async (request, context) => {
  const resources = request.resources.map(({ resourceType, resourceName, configs }) => ({
    type: resourceType,
    name: resourceName,
    changes: configs.map(({ name, value }) => ({ name, operation: 0, value })),
    replacesAll: true,
  }))
  return { responses: await alterResources(resources, request.validateOnly, context) }
})
