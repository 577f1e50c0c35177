/*
 * Decisions about client quotas: pure functions from the current quotas and a request to the values to write, or to
 * Kafka's error. Checks have Kafka's order and messages. Source: ClientQuotaControlManager, QuotaConfig.
 */
import { isRejection, type Rejection, reject } from '../../protocol/error-codes.ts'
import { type MetadataImage, type QuotaEntity, quotaEntityKey } from './metadata-image.ts'
import type { ClientQuotaChange } from './metadata-store.ts'

/** One changed quota; null removes it. */
export interface QuotaOperation {
  readonly key: string
  readonly value: number | null
}

/** Wanted changes of one entity. If a part of the entity occurs twice, the last one counts. */
export interface QuotaAlteration {
  readonly entity: QuotaEntity
  readonly operations: readonly QuotaOperation[]
}

/** Result for one entity: what to write, or why not. A duplicate of an entity is refused but its first changes stand. */
export interface QuotaDecision {
  readonly entity: QuotaEntity
  readonly changes: readonly ClientQuotaChange[]
  readonly refusal: Rejection | undefined
}

type ValueType = 'double' | 'int' | 'long'
/** Largest value of an integral type, as Java converts it to a double. */
const largest = { int: 2 ** 31 - 1, long: 2 ** 63 } as const

const userAndClientQuotas: ReadonlyMap<string, ValueType> = new Map([
  ['producer_byte_rate', 'long'],
  ['consumer_byte_rate', 'long'],
  ['request_percentage', 'double'],
  ['controller_mutation_rate', 'double'],
])
const addressQuotas: ReadonlyMap<string, ValueType> = new Map([['connection_creation_rate', 'int']])

/** Kafka's constants for the parts of an entity, in the order of its hash table. */
const entityTypes = ['client-id', 'user', 'ip']

/**
 * Decides each alteration of a request, in request order and one result for each entity. isHost: true for a name that
 * resolves to an address. Yields between alterations. Source: ClientQuotaControlManager.alterClientQuotas.
 */
export function* decideQuotaChanges(
  image: MetadataImage,
  alterations: readonly QuotaAlteration[],
  isHost: (name: string) => boolean,
): Generator<void, readonly QuotaDecision[]> {
  const decisions = new Map<string, QuotaDecision>()
  for (const alteration of alterations) {
    const entity = entityOf(alteration.entity)
    const key = quotaEntityKey(entity)
    const before = decisions.get(key)
    // Kafka overwrites its own message about a repeated quota key with that about a repeated entity.
    const isDuplicate = before !== undefined || hasDuplicateKey(alteration.operations)
    const decided = isDuplicate
      ? reject('INVALID_REQUEST', `Ignoring duplicate entity ${entityText(entity)}`)
      : changesOf(image, { ...alteration, entity }, isHost)
    decisions.set(key, {
      entity,
      changes: isRejection(decided) ? (before?.changes ?? []) : decided,
      refusal: isRejection(decided) ? decided : undefined,
    })
    yield
  }
  return [...decisions.values()]
}

function entityOf(parts: QuotaEntity): QuotaEntity {
  return [...new Map(parts.map((part) => [part.entityType, part])).values()]
}

function hasDuplicateKey(operations: readonly QuotaOperation[]): boolean {
  return new Set(operations.map(({ key }) => key)).size !== operations.length
}

function entityText(entity: QuotaEntity): string {
  const at = ({ entityType }: QuotaEntity[number]) => entityTypes.indexOf(entityType) + 1 || entityTypes.length + 1
  const parts = [...entity].sort((a, b) => at(a) - at(b))
  const inside = parts.map(({ entityType, entityName }) => `${entityType}=${entityName}`).join(', ')
  return `ClientQuotaEntity(entries={${inside}})`
}

function changesOf(
  image: MetadataImage,
  { entity, operations }: QuotaAlteration,
  isHost: (name: string) => boolean,
): readonly ClientQuotaChange[] | Rejection {
  const fault = entityFault(entity)
  if (fault !== undefined) return reject('INVALID_REQUEST', fault)
  const types = quotasOf(entity, isHost)
  if (isRejection(types)) return types
  const current = image.clientQuotas.get(quotaEntityKey(entity))?.values
  const changes: ClientQuotaChange[] = []
  for (const { key, value } of operations) {
    const wrong = value === null ? undefined : valueFault(key, value, types.get(key))
    if (wrong !== undefined) return reject('INVALID_REQUEST', wrong)
    // Nothing is written for a value that does not change.
    if ((current?.get(key) ?? null) !== value) changes.push({ entity, key, value })
  }
  return changes
}

function entityFault(entity: QuotaEntity): string | undefined {
  for (const { entityType, entityName } of entity) {
    if (!entityTypes.includes(entityType)) return `Unhandled client quota entity type: ${entityType}`
    if (entityName === '') return `Empty ${entityType} not supported`
  }
  return entity.length === 0 ? 'Invalid empty client quota entity' : undefined
}

function quotasOf(entity: QuotaEntity, isHost: (name: string) => boolean): ReadonlyMap<string, ValueType> | Rejection {
  const address = entity.find(({ entityType }) => entityType === 'ip')
  if (address === undefined) return userAndClientQuotas
  if (entity.length > 1)
    return reject(
      'INVALID_REQUEST',
      // The missing space is Kafka's.
      'Invalid quota entity combination, IP entity shouldnot be combined with User or ClientId',
    )
  if (address.entityName === null || isHost(address.entityName)) return addressQuotas
  return reject('INVALID_REQUEST', `${address.entityName} is not a valid IP or resolvable host.`)
}

function valueFault(key: string, value: number, type: ValueType | undefined): string | undefined {
  if (type === undefined) return `Invalid configuration key ${key}`
  if (!Number.isFinite(value)) return `Quota ${key} must be a finite number`
  if (value <= 0) return `Quota ${key} must be greater than 0`
  if (type === 'double') return undefined
  if (value > largest[type])
    return `Proposed value for ${key} is too large for ${type === 'int' ? 'an INT' : 'a LONG'}.`
  return value % 1 > 1e-6 ? `${key} cannot be a fractional value.` : undefined
}
