/** Longest name of a topic: its directory is called name-partition and must fit into 255 bytes. */
const MAX_NAME_LENGTH = 249

const internalTopics = new Set(['__consumer_offsets', '__transaction_state', '__share_group_state'])

/** Topics that the broker keeps for itself; clients may read but not configure or produce to them. */
export function isInternalTopic(name: string): boolean {
  return internalTopics.has(name)
}

/** Why a name is none for a topic, in Kafka's words; undefined: it is fine. Source: Topic.validate. */
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

/** Names that differ in '.' and '_' alone are one and the same to metrics. */
export function unifiedName(name: string): string {
  return name.replaceAll('.', '_')
}

export function hasCollisionCharacters(name: string): boolean {
  return name.includes('_') || name.includes('.')
}
