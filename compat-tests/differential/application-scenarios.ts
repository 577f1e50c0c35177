/*
 * What applications send when they start, and what they check: Kafka Streams, Connect, Debezium, Schema Registry,
 * MirrorMaker 2, Spring. Names and values are those of their sources.
 */
import { CreatePartitions } from '../../protocol/apis/create-partitions.ts'
import { CreateTopics } from '../../protocol/apis/create-topics.ts'
import { DescribeConfigs } from '../../protocol/apis/describe-configs.ts'
import { IncrementalAlterConfigs } from '../../protocol/apis/incremental-alter-configs.ts'
import type { Scenario } from './scenario.ts'
import { changesAreSeen, topic } from './topic-scenarios.ts'
import type { Send } from './transcript.ts'

const [TOPIC, BROKER] = [2, 4] as const
const [SET, DELETE] = [0, 1] as const
const timeoutMs = 10_000

type Settings = Readonly<Record<string, string>>

/** Topics that applications make for themselves: they leave the number of replicas to the broker. */
const internalTopics: Readonly<Record<string, Settings>> = {
  'streams-repartition': {
    'cleanup.policy': 'delete',
    'segment.bytes': '52428800',
    'retention.ms': '-1',
    'message.timestamp.type': 'CreateTime',
  },
  'streams-changelog': { 'cleanup.policy': 'compact', 'message.timestamp.type': 'CreateTime' },
  'streams-windowed-changelog': {
    'cleanup.policy': 'compact,delete',
    'retention.ms': '90000000',
    'message.timestamp.type': 'CreateTime',
  },
  'streams-versioned-changelog': {
    'cleanup.policy': 'compact',
    'min.compaction.lag.ms': '90000000',
    'message.timestamp.type': 'CreateTime',
  },
  'connect-offsets': { 'cleanup.policy': 'compact' },
  'debezium-history': {
    'cleanup.policy': 'delete',
    'retention.ms': '9223372036854775807',
    'retention.bytes': '-1',
  },
  _schemas: { 'cleanup.policy': 'compact' },
}

const madeAndChecked: Scenario = {
  name: 'topics that applications make for themselves, and the settings that they check',
  async run(send) {
    for (const [name, settings] of Object.entries(internalTopics)) {
      const configs = Object.entries(settings).map(([key, value]) => ({ name: key, value }))
      const wish = topic(name, { replicationFactor: -1, configs })
      await send(CreateTopics, 7, `make ${name}`, { topics: [wish], timeoutMs })
      await send(CreateTopics, 7, `make ${name} again`, { topics: [wish], timeoutMs })
      await describe(send, `settings of ${name}`, TOPIC, name, Object.keys(settings))
    }
  },
}

const brokerSettings: Scenario = {
  name: 'settings of the broker that applications read',
  async run(send) {
    // Debezium and Connect take the number of replicas from the first.
    const names = ['default.replication.factor', 'min.insync.replicas', 'auto.create.topics.enable', 'num.partitions']
    await describe(send, 'of one', BROKER, '1', names)
  },
}

/** MirrorMaker 2 copies all settings of a topic but those that it names, and removes what is gone at the source. */
const copied: Scenario = {
  name: 'settings as MirrorMaker 2 copies them',
  async run(send) {
    const name = 'mirrored.copy'
    await send(CreateTopics, 7, 'make it', { topics: [topic(name, { replicationFactor: -1 })], timeoutMs })
    const { results } = await describe(send, 'all settings', TOPIC, name, null)
    const described = results[0]?.configs ?? []
    const left = ['follower.replication.throttled.replicas', 'leader.replication.throttled.replicas']
    const configs = described
      .filter(({ name: setting }) => !left.includes(setting) && !setting.startsWith('unclean.'))
      .map(({ name: setting, value, configSource }) => ({
        name: setting,
        value: configSource === 1 ? value : null,
        configOperation: configSource === 1 ? SET : DELETE,
      }))
    const resources = [{ resourceType: TOPIC, resourceName: name, configs }]
    await send(IncrementalAlterConfigs, 1, 'set and delete all', { resources })
    const settings = [{ name: 'retention.ms', value: '77', configOperation: SET }]
    await send(IncrementalAlterConfigs, 1, 'set one', {
      resources: [{ resourceType: TOPIC, resourceName: name, configs: settings }],
    })
    await send(CreatePartitions, 3, 'as many partitions', { topics: [{ name, count: 3 }], timeoutMs })
    await describe(send, 'in the end', TOPIC, name, ['retention.ms', 'cleanup.policy'])
  },
}

async function describe(send: Send, what: string, resourceType: number, resourceName: string, keys: string[] | null) {
  await changesAreSeen(send)
  const resources = [{ resourceType, resourceName, configurationKeys: keys }]
  return send(DescribeConfigs, 4, what, { resources, includeSynonyms: true, includeDocumentation: false })
}

export const applicationScenarios: readonly Scenario[] = [madeAndChecked, brokerSettings, copied]
