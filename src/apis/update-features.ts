import { UpdateFeatures, type UpdateFeaturesRequest } from '../../protocol/apis/update-features.ts'
import { errorCode } from '../../protocol/error-codes.ts'
import { mapInSlices } from '../../storage/host/turn-slices.ts'
import { type FeatureChange, featureFault, finalizedFeatures } from '../metadata/feature-changes.ts'
import { handler } from './handler.ts'

/** First version without a result for each feature. */
const FIRST_WITHOUT_RESULTS = 2

/** Sets feature levels, all or none. Source: FeatureControlManager.updateFeatures. */
export const updateFeatures = handler(UpdateFeatures, async (request, context) => {
  const { services, slices, apiVersion, nowMs, principal } = context
  const { image } = services.metadata
  const levels = finalizedFeatures(services.metadata)
  const state = { levels, controllerId: image.controllerId, hasVoter: services.metadata.voter !== undefined }
  // The last update of a feature counts.
  const last = new Map<string, FeatureChange>()
  const changes = await mapInSlices(request.featureUpdates, slices, changeOf)
  for (const change of changes) last.set(change.feature, change)
  const faults = await mapInSlices(last.values(), slices, (change) => featureFault(change, state))
  const fault = faults.find((each) => each !== undefined)
  if (fault !== undefined)
    return {
      errorCode: errorCode('INVALID_UPDATE_VERSION'),
      errorMessage: `The update failed for all features since the following feature had an error: ${fault}`,
    }
  const changed = new Map(
    [...last.values()]
      .filter(({ feature, level }) => level !== (levels.get(feature) ?? 0))
      .map(({ feature, level }) => [feature, level]),
  )
  if (!request.validateOnly) await services.metadata.setFeatures(changed, { nowMs, principal })
  const results = apiVersion >= FIRST_WITHOUT_RESULTS ? [] : changes
  // Kafka's message is the error's name, so it is NONE on success.
  return {
    errorCode: 0,
    errorMessage: null,
    results: results.map(({ feature }) => ({ feature, errorCode: 0, errorMessage: 'NONE' })),
  }
})

// v0 has allowDowngrade instead of upgradeType; Kafka's controller ignores it.
function changeOf({ feature, maxVersionLevel, upgradeType }: UpdateFeaturesRequest['featureUpdates'][number]) {
  return { feature, level: maxVersionLevel, upgradeType }
}
