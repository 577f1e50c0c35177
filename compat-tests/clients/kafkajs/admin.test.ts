import { expect } from 'chai'
import { type Admin, ConfigResourceTypes, type Producer } from 'kafkajs'
import { TestBroker } from '../../test-broker.ts'
import { errorType, Inbox, KafkaJsApplication } from './kafkajs-application.ts'

describe('kafkajs admin', function () {
  this.timeout(60_000)
  let broker: TestBroker
  let application: KafkaJsApplication
  let admin: Admin
  let producer: Producer

  before(async () => {
    broker = await TestBroker.start()
    application = new KafkaJsApplication(broker.bootstrap)
    admin = await application.admin()
    producer = await application.producer()
  })
  after(async () => {
    await application?.close()
    await broker?.dispose()
  })

  const create = (topic: string, numPartitions = 1, configEntries: { name: string; value: string }[] = []) =>
    admin.createTopics({ topics: [{ topic, numPartitions, configEntries }] })

  it('creates a topic that is listed and has a leader for each partition at once', async () => {
    expect(await create('created', 3)).to.equal(true)
    expect(await admin.listTopics()).to.include('created')
    const { topics } = await admin.fetchTopicMetadata({ topics: ['created'] })
    const [broker] = (await admin.describeCluster()).brokers
    const { nodeId } = broker!
    expect(topics).to.have.length(1)
    const partitions = topics[0]!.partitions.toSorted((a, b) => a.partitionId - b.partitionId)
    expect(
      partitions.map(({ partitionId, leader, replicas, isr }) => ({ partitionId, leader, replicas, isr })),
    ).to.deep.equal(
      [0, 1, 2].map((partitionId) => ({ partitionId, leader: nodeId, replicas: [nodeId], isr: [nodeId] })),
    )
  })

  it('names the cluster, its controller and the address that the client itself used', async () => {
    const { brokers, controller, clusterId } = await admin.describeCluster()
    expect(brokers).to.have.length(1)
    expect(brokers[0]).to.include({ host: '127.0.0.1', port: broker.port })
    expect(controller).to.equal(brokers[0]!.nodeId)
    expect(clusterId).to.match(/^[\w-]{22}$/)
  })

  it('answers false for a topic that exists already', async () => {
    await create('twice')
    expect(await create('twice')).to.equal(false)
  })

  it('takes num.partitions where the number of partitions is left open', async () => {
    await admin.createTopics({ topics: [{ topic: 'default-partitions', numPartitions: -1, replicationFactor: -1 }] })
    const { topics } = await admin.fetchTopicMetadata({ topics: ['default-partitions'] })
    expect(topics[0]!.partitions).to.have.length(1)
  })

  it('only validates where it is told so', async () => {
    expect(
      await admin.createTopics({ validateOnly: true, waitForLeaders: false, topics: [{ topic: 'not-made' }] }),
    ).to.equal(true)
    expect(await admin.listTopics()).not.to.include('not-made')
  })

  it('refuses invalid names, numbers and settings with the codes of Kafka', async () => {
    expect(await errorType(create('a b'))).to.equal('INVALID_TOPIC_EXCEPTION')
    expect(await errorType(create('..'))).to.equal('INVALID_TOPIC_EXCEPTION')
    expect(await errorType(create('x'.repeat(250)))).to.equal('INVALID_TOPIC_EXCEPTION')
    expect(await errorType(create('no-partitions', 0))).to.equal('INVALID_PARTITIONS')
    const threeCopies = admin.createTopics({ topics: [{ topic: 'three-copies', replicationFactor: 3 }] })
    expect(await errorType(threeCopies)).to.equal('INVALID_REPLICATION_FACTOR')
    expect(await errorType(create('bad', 1, [{ name: 'retention.ms', value: 'soon' }]))).to.equal('INVALID_CONFIG')
    expect(await errorType(create('bad', 1, [{ name: 'no.such.setting', value: '1' }]))).to.equal('INVALID_CONFIG')
    expect(await errorType(admin.fetchTopicMetadata({ topics: ['never-made'] }))).to.equal('UNKNOWN_TOPIC_OR_PARTITION')
    expect(await errorType(admin.deleteTopics({ topics: ['never-made'] }))).to.equal('UNKNOWN_TOPIC_OR_PARTITION')
    expect(await admin.listTopics()).not.to.include.members(['bad', 'no-partitions', 'three-copies'])
  })

  it('tells low and high offsets, now and for a time', async () => {
    await create('offsets', 2)
    const at = (value: string, timestamp: number, partition = 0) => ({ value, timestamp: String(timestamp), partition })
    const start = Date.now() - 10_000
    await producer.send({ topic: 'offsets', messages: [at('a', start), at('b', start + 1000), at('c', start + 2000)] })
    const offsets = (await admin.fetchTopicOffsets('offsets')).toSorted((a, b) => a.partition - b.partition)
    expect(offsets).to.deep.equal([
      { partition: 0, offset: '3', high: '3', low: '0' },
      { partition: 1, offset: '0', high: '0', low: '0' },
    ])
    const atTime = await admin.fetchTopicOffsetsByTimestamp('offsets', start + 500)
    expect(atTime.find(({ partition }) => partition === 0)).to.deep.equal({ partition: 0, offset: '1' })
    const tooLate = await admin.fetchTopicOffsetsByTimestamp('offsets', start + 5000)
    expect(tooLate.find(({ partition }) => partition === 0)).to.deep.equal({ partition: 0, offset: '3' })
  })

  it('deletes a topic at once; one of the same name begins anew', async () => {
    await create('short-lived')
    await producer.send({ topic: 'short-lived', messages: [{ value: 'old' }] })
    await admin.deleteTopics({ topics: ['short-lived'] })
    expect(await admin.listTopics()).not.to.include('short-lived')
    expect(await create('short-lived')).to.equal(true)
    expect(await admin.fetchTopicOffsets('short-lived')).to.deep.equal([
      { partition: 0, offset: '0', high: '0', low: '0' },
    ])
  })

  it('adds partitions, and refuses to take any away', async () => {
    await create('growing', 2)
    const grow = (count: number) => admin.createPartitions({ topicPartitions: [{ topic: 'growing', count }] })
    await grow(4)
    const { topics } = await admin.fetchTopicMetadata({ topics: ['growing'] })
    expect(topics[0]!.partitions).to.have.length(4)
    expect(await errorType(grow(3))).to.equal('INVALID_PARTITIONS')
  })

  it('deletes records up to an offset', async () => {
    await create('trimmed')
    await producer.send({ topic: 'trimmed', messages: ['a', 'b', 'c'].map((value) => ({ value })) })
    // kafkajs finds the leader only if it has fetched the topic's metadata before
    await admin.fetchTopicOffsets('trimmed')
    await admin.deleteTopicRecords({ topic: 'trimmed', partitions: [{ partition: 0, offset: '2' }] })
    expect(await admin.fetchTopicOffsets('trimmed')).to.deep.equal([{ partition: 0, offset: '3', high: '3', low: '2' }])
    const inbox = await Inbox.of(await application.consumer(), 'trimmed')
    await inbox.atLeast(1)
    expect(inbox.values).to.deep.equal(['c'])
  })

  it('describes and alters settings of a topic, 64-bit ones too', async () => {
    await create('settings', 1, [{ name: 'retention.ms', value: '9223372036854775807' }])
    const resource = { type: ConfigResourceTypes.TOPIC, name: 'settings' }
    const describe = async () => {
      const { resources } = await admin.describeConfigs({ includeSynonyms: false, resources: [resource] })
      return new Map(resources[0]!.configEntries.map((entry) => [entry.configName, entry]))
    }
    const before = await describe()
    expect(before.get('retention.ms')).to.include({ configValue: '9223372036854775807', isDefault: false })
    expect(before.get('cleanup.policy')).to.include({ configValue: 'delete', isDefault: true })
    const configEntries = [{ name: 'cleanup.policy', value: 'compact' }]
    await admin.alterConfigs({ validateOnly: false, resources: [{ ...resource, configEntries }] })
    const after = await describe()
    expect(after.get('cleanup.policy')).to.include({ configValue: 'compact', isDefault: false })
    expect(after.get('retention.ms')).to.include({ configValue: '604800000', isDefault: true })
  })

  it('describes the settings of a broker', async () => {
    const { brokers } = await admin.describeCluster()
    const resource = {
      type: ConfigResourceTypes.BROKER,
      name: String(brokers[0]!.nodeId),
      configNames: ['num.partitions'],
    }
    const { resources } = await admin.describeConfigs({ includeSynonyms: false, resources: [resource] })
    expect(resources[0]!.configEntries).to.have.length(1)
    expect(resources[0]!.configEntries[0]).to.include({ configName: 'num.partitions', configValue: '1' })
  })

  it('lists, describes and deletes groups', async () => {
    await create('for-groups')
    await producer.send({ topic: 'for-groups', messages: [{ value: 'a' }] })
    const consumer = await application.consumer({ groupId: 'a-group' })
    await (await Inbox.of(consumer, 'for-groups')).atLeast(1)
    expect((await admin.listGroups()).groups).to.deep.include({ groupId: 'a-group', protocolType: 'consumer' })
    const { groups } = await admin.describeGroups(['a-group'])
    expect(groups[0]).to.include({ groupId: 'a-group', state: 'Stable', protocol: 'RoundRobinAssigner', errorCode: 0 })
    expect(groups[0]!.members).to.have.length(1)
    expect(groups[0]!.members[0]!.clientId).to.equal('an-application')
    expect(groups[0]!.members[0]!.clientHost).to.equal('/127.0.0.1')
    const refused = await errorType(admin.deleteGroups(['a-group']))
    expect(refused).to.equal('KafkaJSDeleteGroupsError: Error in DeleteGroups')
    await consumer.disconnect()
    await admin.deleteGroups(['a-group'])
    expect((await admin.listGroups()).groups.map(({ groupId }) => groupId)).not.to.include('a-group')
  })

  it('sets, fetches and resets the offsets of a group without members', async () => {
    const topic = 'for-offsets'
    await create(topic, 2)
    await producer.send({ topic, messages: [{ value: 'a', partition: 1 }] })
    const offsets = async (groupId: string, resolveOffsets = false) =>
      (await admin.fetchOffsets({ groupId, topics: [topic], resolveOffsets }))[0]!.partitions
        .toSorted((a, b) => a.partition - b.partition)
        .map(({ offset }) => offset)
    expect(await offsets('set')).to.deep.equal(['-1', '-1'])
    const partitions = ['7', '8'].map((offset, partition) => ({ partition, offset }))
    // kafkajs waits five seconds after each change of offsets, so three groups run in parallel.
    await Promise.all([
      admin.setOffsets({ groupId: 'set', topic, partitions }),
      admin.resetOffsets({ groupId: 'reset-early', topic, earliest: true }),
      admin.resetOffsets({ groupId: 'reset-late', topic, earliest: false }),
    ])
    expect(await offsets('set')).to.deep.equal(['7', '8'])
    // kafkajs commits these values for the beginning and the end unless it is told to resolve them.
    expect(await offsets('reset-early')).to.deep.equal(['-2', '-2'])
    expect(await offsets('reset-late')).to.deep.equal(['-1', '-1'])
    expect(await offsets('reset-late', true)).to.deep.equal(['0', '1'])
    expect(await offsets('reset-late')).to.deep.equal(['0', '1'])
  })
})
