import { IncrementalAlterConfigs } from '../../protocol/apis/incremental-alter-configs.ts'
import { alterResources } from './alter-resources.ts'
import { handler } from './handler.ts'

/** Sets, removes, appends to and subtracts from single settings (KIP-339). Source: KafkaApis.handleIncrementalAlterConfigsRequest. */
export const incrementalAlterConfigs = handler(IncrementalAlterConfigs, async (request, context) => {
  const resources = request.resources.map(({ resourceType, resourceName, configs }) => ({
    type: resourceType,
    name: resourceName,
    changes: configs.map(({ name, configOperation, value }) => ({ name, operation: configOperation, value })),
    replacesAll: false,
  }))
  return { responses: await alterResources(resources, request.validateOnly, context) }
})
