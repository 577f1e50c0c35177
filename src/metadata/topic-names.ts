/** Longest topic name: its directory name, topic and partition number, must fit into 255 bytes. */
const MAX_NAME_LENGTH = 249

/** Topic with the persistent nodes of clients that speak ZooKeeper's protocol. Ottla's own, made with the first such node. */
export const ZOOKEEPER_NODE_TOPIC = '__zookeeper_nodes'

const internalTopics = new Set([
  '__consumer_offsets',
  '__transaction_state',
  '__share_group_state',
  ZOOKEEPER_NODE_TOPIC,
])

/** Internal topics. Clients may read them, but not configure them or produce to them. */
export function isInternalTopic(name: string): boolean {
  return internalTopics.has(name)
}

/** Why a topic name is invalid, in Kafka's words; undefined if it is valid. Source: Topic.validate. */
export function invalidTopicName(name: string): string | undefined {
  if (name === '') return 'Topic name is invalid: the empty string is not allowed'
  if (name === '.') return "Topic name is invalid: '.' is not allowed"
  if (name === '..') return "Topic name is invalid: '..' is not allowed"
  if (name.length > MAX_NAME_LENGTH)
    return `Topic name is invalid: the length of '${name}' is longer than the max allowed length ${MAX_NAME_LENGTH}`
  if (!/^[a-zA-Z0-9._-]+$/.test(name))
    return `Topic name is invalid: '${name}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'`
  return undefined
}

/** Names that differ only in '.' and '_' collide in metric names. */
export function unifiedName(name: string): string {
  return name.replaceAll('.', '_')
}

export function hasCollisionCharacters(name: string): boolean {
  return name.includes('_') || name.includes('.')
}
