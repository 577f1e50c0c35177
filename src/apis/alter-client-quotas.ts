import { AlterClientQuotas } from '../../protocol/apis/alter-client-quotas.ts'
import { type Rejection, reject } from '../../protocol/error-codes.ts'
import { mapInSlices } from '../../storage/host/turn-slices.ts'
import type { MetadataImage, QuotaEntity } from '../metadata/metadata-image.ts'
import { decideQuotaChanges, type QuotaDecision } from '../metadata/quota-changes.ts'
import { handler, type RequestContext } from './handler.ts'

/**
 * Sets and removes client quotas. Each entity succeeds or fails by itself. Source: ControllerApis.handleAlterClientQuotas,
 * ClientQuotaControlManager.
 */
export const alterClientQuotas = handler(AlterClientQuotas, async ({ entries, validateOnly }, context) => {
  const { services, nowMs, principal, slices } = context
  const hosts = await resolvedHosts(
    entries.map(({ entity }) => entity),
    context,
  )
  const alterations = entries.map(({ entity, ops }) => ({
    entity,
    operations: ops.map(({ key, value, remove }) => ({ key, value: remove ? null : value })),
  }))
  let decisions: readonly QuotaDecision[] = []
  const decide = function* (image: MetadataImage) {
    decisions = yield* decideQuotaChanges(image, alterations, (name) => hosts.has(name))
    return decisions.flatMap(({ changes }) => changes)
  }
  const options = { nowMs, principal, slices, validateOnly }
  const failure = await services.metadata.alterClientQuotas(decide, options)
  // Kafka answers a request that fails as a whole with the error's own text. Source: AlterClientQuotasRequest.
  if (failure !== undefined)
    return { entries: entries.map(({ entity }) => ({ ...answered(reject(failure.error)), entity })) }
  return {
    entries: await mapInSlices(decisions, slices, ({ entity, refusal }) => ({ ...answered(refusal), entity })),
  }
})

function answered(refusal: Rejection | undefined) {
  return { errorCode: refusal?.code ?? 0, errorMessage: refusal?.message ?? null }
}

/** Names of the entities' addresses that resolve. Looked up before the decision, which must not wait. */
async function resolvedHosts(
  entities: readonly QuotaEntity[],
  { services, slices }: RequestContext,
): Promise<ReadonlySet<string>> {
  const hosts = entities.flat().filter(({ entityType, entityName }) => entityType === 'ip' && Boolean(entityName))
  const names = new Set(hosts.map(({ entityName }) => entityName as string))
  const found = new Set<string>()
  await mapInSlices(names, slices, async (name) => {
    if (await services.isHost(name)) found.add(name)
  })
  return found
}
