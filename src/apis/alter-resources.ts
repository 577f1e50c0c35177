import { isRejection, type Rejection, reject } from '../../protocol/error-codes.ts'
import { mapInSlices } from '../../storage/host/turn-slices.ts'
import { type AlteredResource, decideConfigChange, type SettingsToWrite } from '../metadata/config-changes.ts'
import { configResourceKey, configResourceType, type MetadataImage } from '../metadata/metadata-image.ts'
import type { ConfigChange } from '../metadata/metadata-store.ts'
import { duplicatesOf } from './duplicates.ts'
import type { RequestContext } from './handler.ts'

/**
 * Alters resources independently of each other, for both AlterConfigs APIs. Answers in request order. Source:
 * ConfigAdminManager.preprocess, then the controller.
 */
export async function alterResources(
  resources: readonly AlteredResource[],
  validateOnly: boolean,
  context: RequestContext,
) {
  const { services, nowMs, principal, slices } = context
  const { nodeId, configs } = services
  const duplicates = duplicatesOf(resources.map(({ type, name }) => configResourceKey(type, name)))
  let decisions: (SettingsToWrite | Rejection)[] = []
  const decide = function* (image: MetadataImage) {
    decisions = []
    for (const resource of resources) {
      const isDuplicate = duplicates.has(configResourceKey(resource.type, resource.name))
      decisions.push(isDuplicate ? duplicateResource : decideConfigChange(resource, { nodeId, image, configs }))
      yield
    }
    return changesOf(resources, decisions)
  }
  const refusal = await services.metadata.alterConfigs(decide, { nowMs, principal, slices, validateOnly })
  return mapInSlices(resources, slices, ({ type, name }, index) => {
    const decision = refusal ?? (decisions[index] as SettingsToWrite | Rejection)
    const [errorCode, errorMessage] = isRejection(decision) ? [decision.code, decision.message] : [0, null]
    return { errorCode, errorMessage, resourceType: type, resourceName: name }
  })
}

const duplicateResource = reject('INVALID_REQUEST', 'Each resource must appear at most once.')

function changesOf(
  resources: readonly AlteredResource[],
  decisions: readonly (SettingsToWrite | Rejection)[],
): ConfigChange[] {
  return resources.flatMap(({ type, name }, index) => {
    const settings = decisions[index] as SettingsToWrite | Rejection
    // Accepted changes to loggers are empty: there is nothing to write.
    if (isRejection(settings) || type === configResourceType.brokerLogger) return []
    return [{ resourceType: type, resourceName: name, settings }]
  })
}
