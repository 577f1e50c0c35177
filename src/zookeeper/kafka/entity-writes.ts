import { isRejection, type Rejection } from '../../../protocol/error-codes.ts'
import type { MetadataImage, QuotaEntity } from '../../metadata/metadata-image.ts'
import { quotaEntityKey } from '../../metadata/metadata-image.ts'
import type { ScramChange } from '../../metadata/metadata-store.ts'
import { decideQuotaChanges } from '../../metadata/quota-changes.ts'
import type { BrokerTree, NodeChange } from '../broker-nodes.ts'
import { type Done, done, type Meaning, malformed, type Refusal, refusedBy, type WriteParts } from './broker-request.ts'
import { entityOfNode } from './entity-names.ts'
import { configData, MALFORMED_SETTINGS, readConfigData } from './node-data.ts'
import { mechanismOf, readCredential } from './scram-text.ts'

/** Types of entities by the names of their nodes. */
const entityTypes: Readonly<Record<string, string>> = { clients: 'client-id', users: 'user', ips: 'ip' }

/** Wanted settings of an entity, split into quotas and SCRAM credentials. */
interface EntitySettings {
  readonly quotas: ReadonlyMap<string, number>
  readonly credentials: readonly ScramChange[]
}

/**
 * A write to /config/clients/C, /config/users/U, /config/users/U/clients/C or /config/ips/I: client quotas, and for a
 * user SCRAM credentials. `names` is the path below /config.
 */
export function entityWrite(change: NodeChange, names: readonly string[], parts: WriteParts): Meaning {
  const data = change.kind === 'delete' ? null : change.data
  // The node between a user and its clients has no settings.
  if (names.length === 3) return async (tree) => putContainer(tree, change)
  const entity = entityOf(names)
  if (entity === undefined) return malformed(`/config/${names.join('/')} names no client, user or address`)
  const settings = readSettings(data, entity)
  if (typeof settings === 'string') return malformed(settings)
  return (tree) => replaceEntity(tree, change, entity, settings, parts)
}

function putContainer(tree: BrokerTree, change: NodeChange): Done {
  if (change.kind === 'delete') tree.remove(change.path)
  else tree.put(change.path, change.data)
  return done
}

function entityOf(names: readonly string[]): QuotaEntity | undefined {
  const entity: { entityType: string; entityName: string | null }[] = []
  for (let index = 0; index < names.length; index += 2) {
    const entityType = entityTypes[names[index] as string]
    const entityName = entityOfNode(names[index + 1] ?? '%')
    if (entityType === undefined || entityName === undefined || entityName === '') return undefined
    entity.push({ entityType, entityName })
  }
  const isUserWithClient = entity.length === 2 && names[0] === 'users' && names[2] === 'clients'
  return entity.length === 1 || isUserWithClient ? entity : undefined
}

/** The settings, or why they are malformed. */
function readSettings(data: Buffer | null, entity: QuotaEntity): EntitySettings | string {
  const texts = readConfigData(data)
  if (texts === undefined) return MALFORMED_SETTINGS
  const [{ entityType, entityName } = { entityType: '', entityName: null }, ...more] = entity
  const user = entityType === 'user' && more.length === 0 ? entityName : null
  const quotas = new Map<string, number>()
  const credentials: ScramChange[] = []
  for (const [name, text] of texts) {
    const mechanism = user === null ? undefined : mechanismOf(name)
    if (mechanism === undefined) quotas.set(name, text.trim() === '' ? Number.NaN : Number(text))
    else {
      const credential = readCredential(text)
      if (credential === undefined) return `${name} must be salt=…,stored_key=…,server_key=…,iterations=…`
      credentials.push({ user: user as string, mechanism, credential })
    }
  }
  return { quotas, credentials }
}

async function replaceEntity(
  tree: BrokerTree,
  change: NodeChange,
  entity: QuotaEntity,
  wanted: EntitySettings,
  { metadata, nowMs, isHost }: WriteParts,
): Promise<Refusal | Done> {
  const [first] = entity
  const knownHost = first?.entityType === 'ip' && first.entityName !== null && (await isHost(first.entityName))
  let refused: Rejection | undefined
  const decide = function* (image: MetadataImage) {
    const operations = quotaOperations(image, entity, wanted.quotas)
    const [decision] = yield* decideQuotaChanges(image, [{ entity, operations }], () => knownHost)
    refused = decision?.refusal
    if (refused !== undefined) return { quotas: [], credentials: [] }
    return { quotas: decision?.changes ?? [], credentials: credentialChanges(image, entity, wanted.credentials) }
  }
  const refusal = (await metadata.alterEntity(decide, { nowMs: nowMs() })) ?? refused
  if (isRejection(refusal)) return refusedBy(refusal)
  if (change.kind === 'delete') tree.remove(change.path)
  // An entity without settings has no record in the metadata, but its node was made.
  else if (!tree.has(change.path)) tree.put(change.path, configData([]))
  return done
}

/** The node has all quotas of the entity: what it does not name is removed. */
function quotaOperations(image: MetadataImage, entity: QuotaEntity, wanted: ReadonlyMap<string, number>) {
  const current = image.clientQuotas.get(quotaEntityKey(entity))?.values ?? new Map<string, number>()
  const removed = [...current.keys()].filter((key) => !wanted.has(key)).map((key) => ({ key, value: null }))
  return [...removed, ...[...wanted].map(([key, value]) => ({ key, value }))]
}

function credentialChanges(image: MetadataImage, entity: QuotaEntity, wanted: readonly ScramChange[]): ScramChange[] {
  const [user, ...more] = entity
  if (user?.entityType !== 'user' || user.entityName === null || more.length > 0) return []
  const { entityName } = user
  const kept = new Set(wanted.map(({ mechanism }) => mechanism))
  const current = image.scramCredentials.get(entityName) ?? new Map()
  const removed = [...current.keys()].filter((mechanism) => !kept.has(mechanism))
  return [...removed.map((mechanism) => ({ user: entityName, mechanism, credential: null })), ...wanted]
}
