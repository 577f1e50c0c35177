import {
  configResourceKey,
  configResourceType,
  type MetadataImage,
  type TopicImage,
} from '../../metadata/metadata-image.ts'
import { ZOOKEEPER_NODE_TOPIC } from '../../metadata/topic-names.ts'
import type { BrokerTree } from '../broker-nodes.ts'
import { configData, partitionStateData, topicData } from './node-data.ts'

export const TOPICS = '/brokers/topics'
export const TOPIC_CONFIGS = '/config/topics'

/** False for the topic in which the nodes of clients are stored: Kafka of ZooKeeper's time has none like it. */
export function isShown(topic: string): boolean {
  return topic !== ZOOKEEPER_NODE_TOPIC
}

/** Puts the nodes of a topic, its partitions and its settings. Yields between partitions. */
export function* putTopic(tree: BrokerTree, topic: TopicImage, image: MetadataImage): Generator<void, void> {
  if (!isShown(topic.name)) return
  const path = `${TOPICS}/${topic.name}`
  putTopicConfig(tree, topic.name, image)
  tree.put(path, topicData(topic))
  tree.put(`${path}/partitions`, null)
  for (const [index, partition] of topic.partitions.entries()) {
    tree.put(`${path}/partitions/${index}`, null)
    tree.put(`${path}/partitions/${index}/state`, partitionStateData(partition, image.controllerEpoch))
    yield
  }
}

/** Puts the settings of a topic, also if it has none of its own: Kafka does so. */
export function putTopicConfig(tree: BrokerTree, topic: string, image: MetadataImage): void {
  if (!isShown(topic)) return
  const settings = image.configs.get(configResourceKey(configResourceType.topic, topic)) ?? []
  tree.put(`${TOPIC_CONFIGS}/${topic}`, configData(settings))
}

export function removeTopic(tree: BrokerTree, topic: string): void {
  if (!isShown(topic)) return
  tree.remove(`${TOPICS}/${topic}`)
  tree.remove(`${TOPIC_CONFIGS}/${topic}`)
}
