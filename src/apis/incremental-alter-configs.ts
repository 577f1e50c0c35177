import {
  IncrementalAlterConfigs,
  type IncrementalAlterConfigsRequest,
} from '../../protocol/apis/incremental-alter-configs.ts'
import type { AlteredResource } from '../metadata/config-changes.ts'
import { alterControllerResources, alterResources } from './alter-resources.ts'
import { handler } from './handler.ts'

/** Sets, removes, appends to and subtracts from single settings (KIP-339). Source: KafkaApis.handleIncrementalAlterConfigsRequest. */
export const incrementalAlterConfigs = handler(IncrementalAlterConfigs, async (request, context) => ({
  responses: await alterResources(resourcesOf(request), request.validateOnly, context),
}))

/** The same on a controller listener. Source: ControllerApis.handleIncrementalAlterConfigs. */
export const incrementalAlterConfigsOfController = handler(IncrementalAlterConfigs, async (request, context) => ({
  responses: await alterControllerResources(resourcesOf(request), request.validateOnly, context),
}))

function resourcesOf({ resources }: IncrementalAlterConfigsRequest): AlteredResource[] {
  return resources.map(({ resourceType, resourceName, configs }) => ({
    type: resourceType,
    name: resourceName,
    changes: configs.map(({ name, configOperation, value }) => ({ name, operation: configOperation, value })),
    replacesAll: false,
  }))
}
