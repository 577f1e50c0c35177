import { isRejection, type Rejection, reject } from '../../protocol/error-codes.ts'
import { type AlteredResource, decideConfigChange, type SettingsToWrite } from '../metadata/config-changes.ts'
import { configResourceKey, configResourceType } from '../metadata/metadata-image.ts'
import { duplicatesOf } from './duplicates.ts'
import type { RequestContext } from './handler.ts'

/**
 * Alters resources, each for itself, for both kinds of AlterConfigs; answers in their order. Source:
 * ConfigAdminManager.preprocess, then the controller.
 */
export async function alterResources(
  resources: readonly AlteredResource[],
  validateOnly: boolean,
  context: RequestContext,
) {
  const { services, nowMs, principal } = context
  const world = { nodeId: services.nodeId, image: services.metadata.image, configs: services.configs }
  const duplicates = duplicatesOf(resources.map(({ type, name }) => configResourceKey(type, name)))
  const decisions = resources.map((resource) => {
    if (duplicates.has(configResourceKey(resource.type, resource.name)))
      return reject('INVALID_REQUEST', 'Each resource must appear at most once.')
    return decideConfigChange(resource, world)
  })
  const written = resources.flatMap((resource, index) => {
    const settings = decisions[index] as SettingsToWrite | Rejection
    // A change to no logger at all is none.
    if (isRejection(settings) || resource.type === configResourceType.brokerLogger) return []
    return [{ resourceType: resource.type, resourceName: resource.name, settings }]
  })
  if (!validateOnly && written.length > 0) await services.metadata.alterConfigs(written, { nowMs, principal })
  return resources.map(({ type, name }, index) => {
    const decision = decisions[index] as SettingsToWrite | Rejection
    const [errorCode, errorMessage] = isRejection(decision) ? [decision.code, decision.message] : [0, null]
    return { errorCode, errorMessage, resourceType: type, resourceName: name }
  })
}
