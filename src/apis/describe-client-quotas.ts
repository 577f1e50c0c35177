import { DescribeClientQuotas, type DescribeClientQuotasRequest } from '../../protocol/apis/describe-client-quotas.ts'
import { type Rejection, reject } from '../../protocol/error-codes.ts'
import type { ClientQuotas } from '../metadata/metadata-image.ts'
import { handler } from './handler.ts'

type Component = DescribeClientQuotasRequest['components'][number]

const [EXACT, DEFAULT, ANY] = [0, 1, 2] as const
const entityTypes = ['user', 'client-id', 'ip']

/** Lists quotas of users, client ids and IP addresses. Source: ClientQuotasImage.describe. */
export const describeClientQuotas = handler(DescribeClientQuotas, (request, { services }) => {
  const fault = faultOf(request.components)
  if (fault !== undefined) return { errorCode: fault.code, errorMessage: fault.message, entries: null }
  const quotas = [...services.metadata.image.clientQuotas.values()].filter((each) => matches(each, request))
  return {
    errorCode: 0,
    errorMessage: '',
    entries: quotas.map(({ entity, values }) => ({
      entity,
      values: [...values].map(([key, value]) => ({ key, value })),
    })),
  }
})

function faultOf(components: readonly Component[]): Rejection | undefined {
  const seen = new Set<string>()
  for (const component of components) {
    const { entityType } = component
    if (entityType === '') return reject('INVALID_REQUEST', 'Invalid empty entity type.')
    if (seen.has(entityType))
      return reject('INVALID_REQUEST', `Entity type ${entityType} cannot appear more than once in the filter.`)
    if (!entityTypes.includes(entityType)) return reject('UNSUPPORTED_VERSION', `Unsupported entity type ${entityType}`)
    const fault = matchFault(component)
    if (fault !== undefined) return reject('INVALID_REQUEST', fault)
    seen.add(entityType)
  }
  if (!seen.has('ip') || seen.size === 1) return undefined
  return reject(
    'INVALID_REQUEST',
    'Invalid entity filter component combination. IP filter component should not be used with user or clientId filter component.',
  )
}

function matchFault({ matchType, match }: Component): string | undefined {
  if (matchType === EXACT)
    return match === null ? 'Request specified MATCH_TYPE_EXACT, but set match string to null.' : undefined
  if (matchType !== DEFAULT && matchType !== ANY) return `Unknown match type ${matchType}`
  if (match === null) return undefined
  const name = matchType === DEFAULT ? 'MATCH_TYPE_DEFAULT' : 'MATCH_TYPE_SPECIFIED'
  return `Request specified ${name}, but also specified a match string.`
}

// Strict: the entity has exactly these component types.
function matches({ entity }: ClientQuotas, { components, strict }: DescribeClientQuotasRequest): boolean {
  if (strict && entity.length !== components.length) return false
  return components.every(({ entityType, matchType, match }) => {
    const part = entity.find((each) => each.entityType === entityType)
    if (part === undefined) return false
    if (matchType === ANY) return true
    return part.entityName === (matchType === DEFAULT ? null : match)
  })
}
