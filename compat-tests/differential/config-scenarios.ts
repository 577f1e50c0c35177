import { AlterConfigs } from '../../protocol/apis/alter-configs.ts'
import { DescribeConfigs } from '../../protocol/apis/describe-configs.ts'
import { IncrementalAlterConfigs } from '../../protocol/apis/incremental-alter-configs.ts'
import { ListConfigResources } from '../../protocol/apis/list-config-resources.ts'
import type { ValueOf } from '../../protocol/schema.ts'
import { inVersions, type Scenario } from './scenario.ts'
import { changesAreApplied, changesAreSeen, makeTopic } from './topic-scenarios.ts'
import type { Send } from './transcript.ts'

const type = { unknown: 1, topic: 2, broker: 4, logger: 8, metrics: 16, group: 32 }
const [SET, DELETE, APPEND, SUBTRACT] = [0, 1, 2, 3] as const

type Change = readonly [name: string, operation: number, value: string | null]

async function alter(
  send: Send,
  version: number,
  what: string,
  resourceType: number,
  resourceName: string,
  ...changes: Change[]
): Promise<void> {
  const configs = changes.map(([name, configOperation, value]) => ({ name, configOperation, value }))
  await send(IncrementalAlterConfigs, version, what, { resources: [{ resourceType, resourceName, configs }] })
}

/** Settings configured on the resource itself; another scenario compares the whole DescribeConfigs response. */
async function look(send: Send, what: string, resourceType: number, resourceName: string, keys: string[] | null) {
  // Kafka answers for a broker from the settings in effect, for all else from the metadata.
  await (resourceType === type.broker ? changesAreApplied(send) : changesAreSeen(send))
  await send(DescribeConfigs, 4, what, {
    resources: [{ resourceType, resourceName, configurationKeys: keys }],
    includeSynonyms: true,
  })
}

const increments: Scenario[] = inVersions(IncrementalAlterConfigs, 'topics', async (send, version) => {
  const name = `inc-${version}`
  await makeTopic(send, name)
  const on = (what: string, ...changes: Change[]) => alter(send, version, what, type.topic, name, ...changes)
  await on('set', ['retention.ms', SET, '5000'], ['flush.ms', SET, '9223372036854775807'])
  await on('append', ['cleanup.policy', APPEND, 'compact'])
  await on('append again', ['cleanup.policy', APPEND, 'compact'])
  await on('append what is none', ['cleanup.policy', APPEND, 'burn'])
  await look(send, 'after append', type.topic, name, ['cleanup.policy', 'retention.ms', 'flush.ms'])
  await on('subtract', ['cleanup.policy', SUBTRACT, 'delete'])
  await on('subtract the last', ['cleanup.policy', SUBTRACT, 'compact'])
  await look(send, 'after subtract', type.topic, name, ['cleanup.policy'])
  await on('append to a number', ['retention.ms', APPEND, '1'])
  await on('subtract from a number', ['retention.ms', SUBTRACT, '1'])
  await on('append to a stranger', ['no.such.config', APPEND, '1'])
  await on('delete', ['retention.ms', DELETE, null], ['cleanup.policy', DELETE, null])
  await on('delete what is not there', ['retention.ms', DELETE, null])
  await on('delete a stranger', ['no.such.config', DELETE, null])
  await on('set a stranger', ['no.such.config', SET, '1'])
  await on('set null', ['retention.ms', SET, null])
  await on('bad value', ['retention.ms', SET, '-2'])
  await on('one good and one bad', ['flush.ms', SET, '7'], ['retention.ms', SET, 'x'])
  await on('same key twice', ['flush.ms', SET, '7'], ['flush.ms', SET, '8'])
  await on('unknown operation', ['flush.ms', 9, '7'])
  const throttled = 'follower.replication.throttled.replicas'
  await on('malformed', [throttled, SET, '1:1,'])
  await on('long', [throttled, SET, `${'1:1,'.repeat(8000)}1:1`])
  await on('too long', [throttled, APPEND, `${'2:1,'.repeat(300)}2:1`])
  await on('short again', [throttled, DELETE, null])
  await on('empty list', ['cleanup.policy', SET, ''])
  await on('remote storage', ['remote.storage.enable', SET, 'true'])
  await on('no changes')
  await look(send, 'in the end', type.topic, name, ['cleanup.policy', 'retention.ms', 'flush.ms'])
  await alter(send, version, 'unknown topic', type.topic, 'inc-none', ['flush.ms', SET, '7'])
  await alter(send, version, 'invalid topic', type.topic, 'a b', ['flush.ms', SET, '7'])
  await alter(send, version, 'no topic', type.topic, '', ['flush.ms', SET, '7'])
  const one = { resourceType: type.topic, resourceName: name, configs: [{ name: 'flush.ms', value: '9' }] }
  await send(IncrementalAlterConfigs, version, 'a resource twice', { resources: [one, { ...one, configs: [] }] })
  await send(IncrementalAlterConfigs, version, 'validate only', { resources: [one], validateOnly: true })
  await send(IncrementalAlterConfigs, version, 'nothing', { resources: [] })
  await look(send, 'after validate only', type.topic, name, ['flush.ms'])
})

const others: Scenario[] = inVersions(IncrementalAlterConfigs, 'brokers, groups, metrics', async (send, version) => {
  const broker = (what: string, id: string, ...changes: Change[]) =>
    alter(send, version, what, type.broker, id, ...changes)
  await broker('cluster', '', ['log.cleaner.threads', SET, '2'])
  await broker('broker', '1', ['max.connections', SET, '1000'])
  await broker('stranger', '1', ['my.plugin.setting', SET, 'x'])
  await broker('not dynamic', '1', ['num.partitions', SET, '3'], ['node.id', SET, '2'])
  await broker('not a number', '', ['log.cleaner.threads', SET, 'many'])
  await broker('per broker only', '', ['listeners', SET, 'PLAINTEXT://:1'])
  await broker('without listener', '1', ['ssl.keystore.password', SET, 'x'])
  await broker('min.insync.replicas of one', '1', ['min.insync.replicas', SET, '1'])
  await broker('min.insync.replicas removed', '', ['min.insync.replicas', DELETE, null])
  await broker('append to a list', '', ['log.cleanup.policy', APPEND, 'compact'])
  await broker('append to a number', '', ['log.cleaner.threads', APPEND, '1'])
  await broker('another', '2', ['max.connections', SET, '1000'])
  await broker('no number', 'x', ['max.connections', SET, '1000'])
  await broker('unknown operation', '1', ['max.connections', 7, '1000'])
  await look(send, 'cluster', type.broker, '', null)
  await look(send, 'broker', type.broker, '1', ['max.connections', 'log.cleaner.threads', 'my.plugin.setting'])
  const restore: Change[] = [
    ['log.cleaner.threads', DELETE, null],
    ['log.cleanup.policy', DELETE, null],
  ]
  await broker('restore cluster', '', ...restore)
  await broker('restore broker', '1', ['max.connections', DELETE, null], ['my.plugin.setting', DELETE, null])
  const group = (what: string, id: string, ...changes: Change[]) =>
    alter(send, version, what, type.group, id, ...changes)
  const id = `inc-group-${version}`
  await group('group', id, ['consumer.session.timeout.ms', SET, '50000'])
  await group('out of range', id, ['consumer.session.timeout.ms', SET, '5'])
  await group(
    'below heartbeat',
    id,
    ['consumer.heartbeat.interval.ms', SET, '15000'],
    ['consumer.session.timeout.ms', SET, '45000'],
  )
  await group('stranger', id, ['no.such', SET, '5'])
  await group('not a number', id, ['consumer.session.timeout.ms', SET, 'x'])
  await group('offset reset', id, ['share.auto.offset.reset', SET, 'by_duration:PT1H'])
  await group('bad offset reset', id, ['share.auto.offset.reset', SET, 'tomorrow'])
  await group('bad isolation', id, ['share.isolation.level', SET, 'serializable'])
  await group('assignor', id, ['streams.assignor.name', SET, 'fancy'])
  await group('dead letters', id, ['errors.deadletterqueue.topic.name', SET, '__x'])
  await group('tags', id, ['streams.rack.aware.assignment.tags', SET, 'a,b,a'])
  await group('no group', '', ['consumer.session.timeout.ms', SET, '50000'])
  await look(send, 'group', type.group, id, null)
  const metrics = (what: string, ...changes: Change[]) =>
    alter(send, version, what, type.metrics, `inc-metrics-${version}`, ...changes)
  await metrics('metrics', ['interval.ms', SET, '1000'], ['metrics', SET, 'org.apache.kafka.producer.'])
  await metrics('interval', ['interval.ms', SET, '1'])
  await metrics('match', ['match', SET, 'client_id=a.*,client_software_name=x'])
  await metrics('bad match', ['match', SET, 'color=blue'])
  await metrics('no match', ['match', SET, 'client_id'])
  await metrics('bad pattern', ['match', SET, 'client_id=['])
  await metrics('stranger', ['no.such', SET, '1'])
  await alter(send, version, 'no subscription', type.metrics, '', ['interval.ms', SET, '1000'])
  await look(send, 'metrics', type.metrics, `inc-metrics-${version}`, null)
  await alter(send, version, 'unknown type', type.unknown, 'x', ['a', SET, 'b'])
  await alter(send, version, 'type 77', 77, 'x', ['a', SET, 'b'])
})

const loggers: Scenario[] = inVersions(IncrementalAlterConfigs, 'loggers', async (send, version) => {
  const log = (what: string, id: string, ...changes: Change[]) =>
    alter(send, version, what, type.logger, id, ...changes)
  await log('a logger that is not there', '1', ['no.such.logger', SET, 'INFO'])
  await log('a level that is none', '1', ['root', SET, 'LOUD'])
  await log('a level that is none, of no logger', '1', ['no.such.logger', SET, 'LOUD'])
  await log('null', '1', ['root', SET, null])
  await log('append', '1', ['root', APPEND, 'INFO'])
  await log('subtract', '1', ['root', SUBTRACT, 'INFO'])
  await log('delete the root', '1', ['root', DELETE, null])
  await log('delete what is not there', '1', ['no.such.logger', DELETE, null])
  await log('unknown operation', '1', ['root', 9, 'INFO'])
  await log('no changes', '1')
  await log('another broker', '2', ['root', SET, 'INFO'])
  await log('no broker', '', ['root', SET, 'INFO'])
  await log('no number', 'x', ['root', SET, 'INFO'])
  await log('the same key twice', '1', ['root', SET, 'INFO'], ['root', SET, 'INFO'])
  const [name, keys] = ['kafka.network.SocketServer', ['root', 'kafka.network.SocketServer']]
  const levelsAre = (what: string) =>
    send(DescribeConfigs, 4, what, {
      resources: [{ resourceType: type.logger, resourceName: '1', configurationKeys: keys }],
      includeSynonyms: true,
    })
  await levelsAre('before')
  await log('one', '1', [name, SET, 'ERROR'])
  await levelsAre('with one level')
  await log('the root', '1', ['root', SET, 'WARN'])
  await log('one without', '1', [name, DELETE, null])
  await levelsAre('with the level of the root')
  await log('good and bad', '1', [name, SET, 'DEBUG'], ['root', SET, 'LOUD'])
  await log('the root again', '1', ['root', SET, 'INFO'])
  await log('lower case', '1', [name, SET, 'info'])
  const checked = { resourceType: type.logger, resourceName: '1', configs: [{ name, value: 'TRACE' }] }
  await send(IncrementalAlterConfigs, version, 'checked only', { resources: [checked], validateOnly: true })
  await levelsAre('in the end')
})

const replacements: Scenario[] = inVersions(AlterConfigs, 'topics and others', async (send, version) => {
  const name = `alter-${version}`
  await makeTopic(send, name, { configs: [{ name: 'flush.ms', value: '5' }] })
  const on = (what: string, resourceType: number, resourceName: string, ...settings: [string, string | null][]) =>
    send(AlterConfigs, version, what, {
      resources: [{ resourceType, resourceName, configs: settings.map(([key, value]) => ({ name: key, value })) }],
    })
  await on('replace', type.topic, name, ['retention.ms', '77'])
  await look(send, 'afterwards', type.topic, name, ['retention.ms', 'flush.ms'])
  await on('bad value', type.topic, name, ['retention.ms', 'x'])
  await on('stranger', type.topic, name, ['no.such', 'x'])
  await on('null', type.topic, name, ['retention.ms', null])
  await on('twice', type.topic, name, ['retention.ms', '1'], ['retention.ms', '2'])
  await on('unknown topic', type.topic, 'alter-none', ['retention.ms', '1'])
  await on('invalid topic', type.topic, 'a b', ['retention.ms', '1'])
  const one = { resourceType: type.topic, resourceName: name, configs: [{ name: 'flush.ms', value: '9' }] }
  // Never the same resource twice: Kafka then fails to build its response and never sends it.
  await send(AlterConfigs, version, 'validate only', { resources: [one], validateOnly: true })
  await send(AlterConfigs, version, 'validate only what is bad', {
    resources: [{ ...one, configs: [{ name: 'flush.ms', value: 'x' }] }],
    validateOnly: true,
  })
  await send(AlterConfigs, version, 'nothing', { resources: [] })
  await on('no topic', type.topic, '', ['retention.ms', '1'])
  await on('no number', type.broker, 'x', ['max.connections', '5'])
  await on('no group', type.group, '', ['consumer.session.timeout.ms', '46000'])
  await on('no metrics', type.metrics, '', ['interval.ms', '1000'])
  await on('metrics', type.metrics, `alter-metrics-${version}`, ['interval.ms', '1000'])
  await on('bad metrics', type.metrics, `alter-metrics-${version}`, ['interval.ms', '1'])
  await on('everything off', type.topic, name)
  await on('logger', type.logger, '1', ['x', 'INFO'])
  await on('unknown type', 99, 'x', ['a', 'b'])
  await on('group', type.group, `alter-group-${version}`, ['consumer.session.timeout.ms', '46000'])
  await on('another broker', type.broker, '5', ['max.connections', '5'])
  await on('cluster without min.insync.replicas', type.broker, '', ['log.cleaner.threads', '1'])
  await look(send, 'in the end', type.topic, name, ['retention.ms', 'flush.ms'])
})

const descriptions: Scenario[] = inVersions(DescribeConfigs, 'every kind of resource', async (send, version) => {
  const name = `describe-${version}`
  await makeTopic(send, name, {
    configs: [
      { name: 'min.cleanable.dirty.ratio', value: '0.10' },
      { name: 'flush.ms', value: ' 05 ' },
    ],
  })
  const describe = (
    what: string,
    resourceType: number,
    resourceName: string,
    configurationKeys: string[] | null = null,
  ) =>
    send(DescribeConfigs, version, what, {
      resources: [{ resourceType, resourceName, configurationKeys }],
      includeSynonyms: version >= 1,
    })
  await describe('topic', type.topic, name)
  await describe('some keys', type.topic, name, ['flush.ms', 'retention.ms', 'no.such'])
  await describe('no keys', type.topic, name, [])
  await describe('unknown topic', type.topic, 'describe-none')
  await describe('invalid topic', type.topic, 'a b')
  await describe('no topic', type.topic, '')
  await describe('broker', type.broker, '1')
  await describe('cluster', type.broker, '')
  await describe('another broker', type.broker, '2')
  await describe('no number', type.broker, 'x')
  await describe('group', type.group, 'describe-group')
  await describe('no group', type.group, '')
  await describe('metrics', type.metrics, 'describe-none')
  await describe('no metrics', type.metrics, '')
  await describe('logger of nobody', type.logger, '')
  await describe('logger of another', type.logger, '2')
  await describe('unknown type', type.unknown, 'x')
  await describe('type 99', 99, 'x')
  await send(DescribeConfigs, version, 'without synonyms', {
    resources: [{ resourceType: type.topic, resourceName: name, configurationKeys: ['flush.ms'] }],
    includeSynonyms: false,
  })
  const one = { resourceType: type.topic, resourceName: name, configurationKeys: ['flush.ms'] }
  await send(DescribeConfigs, version, 'a resource twice', { resources: [one, one], includeSynonyms: false })
  if (version >= 3) {
    const request = { resources: [one], includeSynonyms: false, includeDocumentation: true }
    await send(DescribeConfigs, version, 'documentation', request)
  }
  await send(DescribeConfigs, version, 'nothing', { resources: [] })
})

const lists: Scenario[] = inVersions(ListConfigResources, 'by type', async (send, version) => {
  await makeTopic(send, `list-config-${version}`)
  const list = (what: string, resourceTypes: number[]) => send(ListConfigResources, version, what, { resourceTypes })
  await alter(send, 1, '(a group)', type.group, `list-group-${version}`, ['consumer.session.timeout.ms', SET, '50000'])
  await alter(send, 1, '(metrics)', type.metrics, `list-metrics-${version}`, ['interval.ms', SET, '1000'])
  await changesAreSeen(send)
  const own = (answer: ValueOf<typeof ListConfigResources.response.fields>) => ({
    ...answer,
    configResources: answer.configResources.filter((each) => /^list-.*-\d$/.test(each.resourceName)),
  })
  for (const resourceTypes of version === 0 ? [[]] : [[], [type.topic], [type.group, type.metrics], [type.group]])
    await send(ListConfigResources, version, `own of types ${resourceTypes}`, { resourceTypes }, own)
  await list('metrics', version === 0 ? [] : [type.metrics])
  if (version === 0) return
  await list('brokers', [type.broker])
  await list('loggers', [type.logger])
  await list('unknown', [type.unknown])
  await list('type 99', [99, type.broker])
  await list('brokers twice', [type.broker, type.broker])
})

/**
 * Changes that a controller decides with fewer checks than a broker. Never an unknown operation: Kafka's controller
 * then fails to answer.
 */
const throughController: Scenario[] = inVersions(IncrementalAlterConfigs, 'of a controller', async (send, version) => {
  const name = `through-${version}`
  await makeTopic(send, name)
  const on = (what: string, ...changes: Change[]) => alter(send, version, what, type.topic, name, ...changes)
  await on('set', ['retention.ms', SET, '5000'], ['cleanup.policy', APPEND, 'compact'])
  await on('same key twice', ['flush.ms', SET, '7'], ['flush.ms', SET, '8'])
  await on('set null', ['retention.ms', SET, null])
  await on('bad value', ['retention.ms', SET, '-2'])
  await on('append to a number', ['retention.ms', APPEND, '1'])
  await on('set a stranger', ['no.such.config', SET, '1'])
  await look(send, 'topic', type.topic, name, ['cleanup.policy', 'retention.ms', 'flush.ms'])
  await alter(send, version, 'unknown topic', type.topic, 'through-none', ['flush.ms', SET, '7'])
  await alter(send, version, 'no topic', type.topic, '', ['flush.ms', SET, '7'])
  const broker = (what: string, id: string, ...changes: Change[]) =>
    alter(send, version, what, type.broker, id, ...changes)
  await broker('broker', '1', ['max.connections', SET, '1000'], ['my.plugin.setting', SET, 'x'])
  await broker('not a number', '1', ['max.connections', SET, 'many'])
  await broker('min.insync.replicas of one', '1', ['min.insync.replicas', SET, '1'])
  await broker('min.insync.replicas removed', '', ['min.insync.replicas', DELETE, null])
  await broker('append to a number', '1', ['max.connections', APPEND, '1'])
  await broker('a directory to cordon', '1', ['cordoned.log.dirs', SET, '/data'])
  await broker('no directory to cordon', '1', ['cordoned.log.dirs', SET, ''])
  await broker('another', '2', ['max.connections', SET, '1000'])
  await broker('a negative one', '-1', ['max.connections', SET, '1000'])
  await broker('no number', 'x', ['max.connections', SET, '1000'])
  await broker('restore', '1', ['max.connections', DELETE, null], ['my.plugin.setting', DELETE, null])
  await broker('restore the rest', '1', ['cordoned.log.dirs', DELETE, null])
  await look(send, 'broker', type.broker, '1', ['max.connections', 'my.plugin.setting', 'cordoned.log.dirs'])
  await alter(send, version, 'group', type.group, `through-${version}`, ['consumer.session.timeout.ms', SET, '50000'])
  await alter(send, version, 'no group', type.group, '', ['consumer.session.timeout.ms', SET, '50000'])
  await alter(send, version, 'bad group', type.group, 'g', ['consumer.session.timeout.ms', SET, '5'])
  await alter(send, version, 'metrics', type.metrics, `through-${version}`, ['interval.ms', SET, '1000'])
  await alter(send, version, 'bad metrics', type.metrics, 'm', ['interval.ms', SET, '1'])
  await alter(send, version, 'unknown type', type.unknown, 'x', ['a', SET, 'b'])
  await alter(send, version, 'type 77', 77, 'x', ['a', SET, 'b'])
  const one = { resourceType: type.topic, resourceName: name, configs: [{ name: 'flush.ms', value: '9' }] }
  await send(IncrementalAlterConfigs, version, 'a resource twice', { resources: [one, { ...one, configs: [] }] })
  await send(IncrementalAlterConfigs, version, 'a resource three times', { resources: [one, one, one] })
  await send(IncrementalAlterConfigs, version, 'validate only', { resources: [one], validateOnly: true })
  await send(IncrementalAlterConfigs, version, 'nothing', { resources: [] })
  await look(send, 'in the end', type.topic, name, ['cleanup.policy', 'retention.ms', 'flush.ms'])
})

/** For controller listeners. */
export const controllerConfigScenarios: Scenario[] = [...throughController, ...replacements, ...descriptions]

export const configScenarios: Scenario[] = [
  ...increments,
  ...others,
  ...loggers,
  ...replacements,
  ...descriptions,
  ...lists,
]
