import {
  type ClientQuotas,
  configResourceKey,
  configResourceType,
  type MetadataImage,
  type QuotaEntity,
  quotaEntityKey,
  type ScramCredential,
} from '../../metadata/metadata-image.ts'
import type { BrokerTree } from '../broker-nodes.ts'
import { DEFAULT_ENTITY, entityNode } from './entity-names.ts'
import { configData } from './node-data.ts'
import { credentialText, mechanismName } from './scram-text.ts'

/** Part of the image that the nodes of clients, users, addresses and brokers show. */
export type EntityImage = Pick<MetadataImage, 'clientQuotas' | 'scramCredentials'>

export const noEntities: EntityImage = { clientQuotas: new Map(), scramCredentials: new Map() }

/**
 * Puts the nodes of entities that differ between two images. An entity without settings keeps its node, with none, as in
 * Kafka; it is gone after a restart.
 */
export function putEntities(tree: BrokerTree, before: EntityImage, now: EntityImage): void {
  const users = new Set<string>()
  for (const { entity } of changedQuotas(before, now)) {
    const { user } = partsOf(entity)
    if (entity.length === 1 && typeof user === 'string') users.add(user)
    else putEntity(tree, entity, quotaSettings(now, entity))
  }
  for (const user of changedUsers(before, now)) users.add(user)
  for (const user of users) putUser(tree, user, now)
}

function putUser(tree: BrokerTree, user: string, image: EntityImage): void {
  const entity = [{ entityType: 'user', entityName: user }]
  const credentials = [...(image.scramCredentials.get(user) ?? [])].map(
    ([mechanism, credential]) => [mechanismName(mechanism), credentialText(credential)] as const,
  )
  putEntity(tree, entity, [...credentials, ...quotaSettings(image, entity)])
}

function putEntity(tree: BrokerTree, entity: QuotaEntity, settings: Iterable<readonly [string, string]>): void {
  const path = entityPath(entity)
  for (let end = path.indexOf('/', CONFIG_PREFIX.length); end !== -1; end = path.indexOf('/', end + 1)) {
    const parent = path.slice(0, end)
    if (!tree.has(parent)) tree.put(parent, null)
  }
  tree.put(path, configData(settings))
}

const CONFIG_PREFIX = '/config/'

/** Node of a quota's entity. Source: ConfigType, ConfigEntityName. */
export function entityPath(entity: QuotaEntity): string {
  const { user, 'client-id': client, ip } = partsOf(entity)
  if (ip !== undefined) return `${CONFIG_PREFIX}ips/${entityNode(ip)}`
  if (user === undefined) return `${CONFIG_PREFIX}clients/${entityNode(client ?? null)}`
  const ofUser = `${CONFIG_PREFIX}users/${entityNode(user)}`
  return client === undefined ? ofUser : `${ofUser}/clients/${entityNode(client)}`
}

/** Names by type; null: the default entity of the type. */
function partsOf(entity: QuotaEntity): Readonly<Partial<Record<string, string | null>>> {
  return Object.fromEntries(entity.map(({ entityType, entityName }) => [entityType, entityName]))
}

function quotaSettings(image: EntityImage, entity: QuotaEntity): (readonly [string, string])[] {
  const quotas = image.clientQuotas.get(quotaEntityKey(entity))
  return [...(quotas?.values ?? [])].map(([name, value]) => [name, String(value)] as const)
}

function changedQuotas(before: EntityImage, now: EntityImage): ClientQuotas[] {
  return changed(before.clientQuotas, now.clientQuotas).map(
    (key) => (now.clientQuotas.get(key) ?? before.clientQuotas.get(key)) as ClientQuotas,
  )
}

function changedUsers(before: EntityImage, now: EntityImage): string[] {
  return changed<ReadonlyMap<number, ScramCredential>>(before.scramCredentials, now.scramCredentials)
}

/** Keys with another value; images share what did not change. */
function changed<V>(before: ReadonlyMap<string, V>, now: ReadonlyMap<string, V>): string[] {
  if (before === now) return []
  const keys = [...now].filter(([key, value]) => before.get(key) !== value).map(([key]) => key)
  for (const key of before.keys()) if (!now.has(key)) keys.push(key)
  return keys
}

/** Puts the dynamic settings of a broker; '' is the default of all brokers. */
export function putBrokerConfig(tree: BrokerTree, name: string, image: MetadataImage): void {
  const settings = image.configs.get(configResourceKey(configResourceType.broker, name))
  const path = `${CONFIG_PREFIX}brokers/${name === '' ? DEFAULT_ENTITY : name}`
  if (settings !== undefined || tree.has(path)) tree.put(path, configData(settings ?? []))
}
