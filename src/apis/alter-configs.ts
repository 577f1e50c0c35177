import { AlterConfigs, type AlterConfigsRequest } from '../../protocol/apis/alter-configs.ts'
import type { AlteredResource } from '../metadata/config-changes.ts'
import { alterControllerResources, alterResources } from './alter-resources.ts'
import { handler } from './handler.ts'

/**
 * Replaces all settings of a resource; settings not listed are removed. Source: KafkaApis.handleAlterConfigsRequest.
 */
export const alterConfigs = handler(AlterConfigs, async (request, context) => ({
  responses: await alterResources(resourcesOf(request), request.validateOnly, context),
}))

/** The same on a controller listener. Source: ControllerApis.handleLegacyAlterConfigs. */
export const alterConfigsOfController = handler(AlterConfigs, async (request, context) => ({
  responses: await alterControllerResources(resourcesOf(request), request.validateOnly, context),
}))

function resourcesOf({ resources }: AlterConfigsRequest): AlteredResource[] {
  return resources.map(({ resourceType, resourceName, configs }) => ({
    type: resourceType,
    name: resourceName,
    changes: configs.map(({ name, value }) => ({ name, operation: 0, value })),
    replacesAll: true,
  }))
}
