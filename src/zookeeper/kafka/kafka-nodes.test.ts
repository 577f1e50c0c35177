import { expect } from 'chai'
import { isRejection } from '../../../protocol/error-codes.ts'
import { newTopic } from '../../metadata/metadata-store.fixture.ts'
import { World } from './kafka-nodes-world.fixture.ts'
import { MemoryTree } from './memory-tree.fixture.ts'

const oneReplica = (count: number) => ({
  version: 1,
  partitions: Object.fromEntries(Array.from({ length: count }, (_, index) => [index, [1]])),
})

describe('Kafka’s nodes', () => {
  describe('show the cluster', () => {
    it('with the nodes of a broker of 2.8', async () => {
      const { tree, image } = await World.start()
      for (const path of ['/consumers', '/admin/delete_topics', '/config/changes', '/brokers/seqid', '/kafka-acl'])
        expect(tree.text(path), path).to.equal(null)
      expect(JSON.parse(tree.text('/cluster/id') as string)).to.deep.equal({ version: '1', id: 'test-cluster' })
      expect(JSON.parse(tree.text('/controller') as string)).to.include({ version: 1, brokerid: 1 })
      expect(tree.text('/controller_epoch')).to.equal(String(image.controllerEpoch))
      expect([...tree.ephemerals].sort()).to.deep.equal(['/brokers/ids/1', '/controller'])
    })

    it('with the address that the client itself used, where none is advertised', async () => {
      const { tree } = await World.start()
      const seen = (localAddress: string) =>
        JSON.parse(tree.text('/brokers/ids/1', { localAddress, localPort: 2181 }) as string)
      expect(seen('10.1.2.3')).to.include({ host: '10.1.2.3', port: 9092, version: 5 })
      expect(seen('10.1.2.3').endpoints).to.deep.equal(['PLAINTEXT://10.1.2.3:9092'])
      expect(seen('::1').endpoints).to.deep.equal(['PLAINTEXT://[::1]:9092'])
      expect(seen('::1').host).to.equal('::1')
    })

    it('with topics made before and after a client came', async () => {
      const world = await World.start()
      await world.memory.create(newTopic('after', { partitionCount: 2, configs: new Map([['retention.ms', '5']]) }))
      const again = new MemoryTree()
      world.nodes.detach()
      await world.memory.host.settle(world.nodes.attach(again))
      for (const tree of [world.tree, again]) {
        const topic = JSON.parse(tree.text('/brokers/topics/after') as string)
        expect(topic.partitions).to.deep.equal({ 0: [1], 1: [1] })
        expect(topic.topic_id).to.equal(world.image.topicsByName.get('after')?.id)
        expect(JSON.parse(tree.text('/brokers/topics/after/partitions/1/state') as string)).to.deep.equal({
          controller_epoch: world.image.controllerEpoch,
          leader: 1,
          version: 1,
          leader_epoch: 0,
          isr: [1],
        })
        expect(JSON.parse(tree.text('/config/topics/after') as string)).to.deep.equal({
          version: 1,
          config: { 'retention.ms': '5' },
        })
      }
    })

    it('without a topic that was deleted', async () => {
      const world = await World.start()
      const [made] = await world.memory.create(newTopic('gone'))
      if (made === undefined || isRejection(made)) throw new Error('not created')
      await world.memory.host.settle(world.memory.store.deleteTopics([made.topic.id], world.memory.change))
      expect(world.tree.has('/brokers/topics/gone')).to.equal(false)
      expect(world.tree.has('/config/topics/gone')).to.equal(false)
    })

    it('without the topic that stores nodes of clients', async () => {
      const world = await World.start()
      await world.memory.create(newTopic('__zookeeper_nodes'))
      expect(world.tree.children('/brokers/topics')).to.deep.equal([])
      expect(world.tree.children('/config/topics')).to.deep.equal([])
    })

    it('with a large change over several turns, before what a client writes then is answered', async () => {
      const world = await World.start()
      await world.memory.create(newTopic('large', { partitionCount: 5000 }))
      expect(world.tree.has('/brokers/topics/large/partitions/4999/state')).to.equal(false)
      expect(await world.write('create', '/brokers/topics/small', oneReplica(1))).to.equal(undefined)
      expect(world.tree.has('/brokers/topics/large/partitions/4999/state')).to.equal(true)
      expect(world.tree.has('/brokers/topics/small/partitions/0/state')).to.equal(true)
    })

    it('with changes that came while the tree was being built', async () => {
      const memory = (await World.start()).memory
      const world = await World.start()
      await world.memory.create(
        ...Array.from({ length: 40 }, (_, index) => newTopic(`t${index}`, { partitionCount: 100 })),
      )
      const tree = new MemoryTree()
      world.nodes.detach()
      const attached = world.nodes.attach(tree)
      const id = world.image.topicsByName.get('t39')?.id as string
      const deleted = world.memory.store.deleteTopics([id], world.memory.change)
      await memory.host.settle(Promise.resolve())
      await world.memory.host.settle(Promise.all([attached, deleted]))
      expect(tree.children('/brokers/topics')).to.have.length(39)
    })
  })

  describe('carry out writes of tools', () => {
    it('create a topic with the settings that were written before it', async () => {
      const world = await World.start()
      expect(
        await world.write('create', '/config/topics/t', { version: 1, config: { 'retention.ms': '1000' } }),
      ).to.equal('plain')
      expect(await world.write('create', '/brokers/topics/t', oneReplica(3))).to.equal(undefined)
      expect(world.image.topicsByName.get('t')?.partitions).to.have.length(3)
      expect(world.memory.configs.topic('t').retentionMs).to.equal(1000)
      expect(world.tree.has('/brokers/topics/t/partitions/2/state')).to.equal(true)
    })

    it('refuse a topic that the broker refuses, and say why', async () => {
      const world = await World.start()
      expect(
        await world.write('create', '/config/topics/t', { version: 1, config: { 'retention.ms': 'soon' } }),
      ).to.equal('plain')
      expect(await world.write('create', '/brokers/topics/t', oneReplica(1))).to.equal('BADARGUMENTS')
      expect(await world.write('create', '/brokers/topics/u', { partitions: { 0: [5] } })).to.equal('BADARGUMENTS')
      expect(await world.write('create', '/brokers/topics/v', { partitions: { 0: [1], 2: [1] } })).to.equal(
        'BADARGUMENTS',
      )
      expect(await world.write('create', '/brokers/topics/w', '{}')).to.equal('BADARGUMENTS')
      expect(await world.write('create', '/brokers/topics/x', { partitions: {} })).to.equal('BADARGUMENTS')
      expect(await world.write('create', '/brokers/topics/y', 'not JSON')).to.equal('BADARGUMENTS')
      expect(await world.write('create', '/brokers/topics/a b', oneReplica(1))).to.equal('BADARGUMENTS')
      expect(world.image.topicsByName.size).to.equal(0)
      expect(world.lines[0]).to.contain('Invalid value soon for configuration retention.ms')
    })

    it('add partitions, and refuse to remove or move any', async () => {
      const world = await World.start()
      await world.memory.create(newTopic('t', { partitionCount: 2 }))
      expect(await world.write('set', '/brokers/topics/t', oneReplica(4))).to.equal(undefined)
      expect(world.image.topicsByName.get('t')?.partitions).to.have.length(4)
      expect(await world.write('set', '/brokers/topics/t', oneReplica(4))).to.equal(undefined)
      expect(await world.write('set', '/brokers/topics/t', oneReplica(3))).to.equal('BADARGUMENTS')
      expect(
        await world.write('set', '/brokers/topics/t', { partitions: { 0: [1], 1: [1], 2: [1], 3: [1], 5: [1] } }),
      ).to.equal('BADARGUMENTS')
      expect(
        await world.write('set', '/brokers/topics/t', { partitions: { 0: [2], 1: [1], 2: [1], 3: [1] } }),
      ).to.equal('BADARGUMENTS')
      expect(world.image.topicsByName.get('t')?.partitions).to.have.length(4)
    })

    it('delete a topic, and forget the wish', async () => {
      const world = await World.start()
      await world.memory.create(newTopic('t'))
      expect(await world.write('create', '/admin/delete_topics/t', null)).to.equal(undefined)
      expect(world.image.topicsByName.has('t')).to.equal(false)
      expect(world.tree.children('/admin/delete_topics')).to.deep.equal([])
      expect(world.tree.has('/brokers/topics/t')).to.equal(false)
    })

    it('keep a topic where delete.topic.enable is false', async () => {
      const world = await World.start({ 'delete.topic.enable': 'false' })
      await world.memory.create(newTopic('t'))
      expect(await world.write('create', '/admin/delete_topics/t', null)).to.equal(undefined)
      expect(world.image.topicsByName.has('t')).to.equal(true)
      expect(world.tree.children('/admin/delete_topics')).to.deep.equal([])
      expect(world.lines).to.deep.equal(['/admin/delete_topics/t: topic t is not deleted: delete.topic.enable=false'])
    })

    it('replace the settings of a topic', async () => {
      const world = await World.start()
      await world.memory.create(newTopic('t', { configs: new Map([['retention.ms', '5']]) }))
      expect(
        await world.write('set', '/config/topics/t', { version: 1, config: { 'cleanup.policy': 'compact' } }),
      ).to.equal(undefined)
      expect(world.json('/config/topics/t')).to.deep.equal({ version: 1, config: { 'cleanup.policy': 'compact' } })
      expect(await world.write('set', '/config/topics/t', { config: { 'cleanup.policy': 'nothing' } })).to.equal(
        'BADARGUMENTS',
      )
      expect(await world.write('set', '/config/topics/t', { config: { 'cleanup.policy': {} } })).to.equal(
        'BADARGUMENTS',
      )
      expect(world.json('/config/topics/t')).to.deep.equal({ version: 1, config: { 'cleanup.policy': 'compact' } })
    })

    it('keep the notification of a changed setting for a quarter of an hour', async () => {
      const world = await World.start()
      expect(await world.write('create', '/config/changes/config_change_0000000000', { version: 2 })).to.equal(
        undefined,
      )
      expect(world.tree.children('/config/changes')).to.deep.equal(['config_change_0000000000'])
      await world.memory.host.advance(15 * 60 * 1000 - 1)
      expect(world.tree.children('/config/changes')).to.have.length(1)
      await world.memory.host.advance(1)
      expect(world.tree.children('/config/changes')).to.have.length(0)
    })

    it('store and show quotas of clients, users and addresses', async () => {
      const world = await World.start()
      const quota = (value: string) => ({ version: 1, config: { producer_byte_rate: value } })
      expect(await world.write('create', '/config/clients/c', quota('1024'))).to.equal(undefined)
      expect(await world.write('create', '/config/users/<default>', quota('7'))).to.equal(undefined)
      expect(await world.write('create', '/config/users/al%20ice', null)).to.equal(undefined)
      expect(await world.write('create', '/config/users/al%20ice/clients', null)).to.equal(undefined)
      expect(await world.write('create', '/config/users/al%20ice/clients/<default>', quota('8'))).to.equal(undefined)
      expect(
        await world.write('create', '/config/ips/10.0.0.1', { config: { connection_creation_rate: '3' } }),
      ).to.equal(undefined)
      const shown = [...world.image.clientQuotas.values()].map(({ entity, values }) => [
        entity.map(({ entityType, entityName }) => `${entityType}=${entityName}`).join(),
        ...values.values(),
      ])
      expect(shown).to.deep.equal([
        ['client-id=c', 1024],
        ['user=null', 7],
        ['user=al ice,client-id=null', 8],
        ['ip=10.0.0.1', 3],
      ])
      const again = new MemoryTree()
      world.nodes.detach()
      await world.memory.host.settle(world.nodes.attach(again))
      for (const tree of [world.tree, again])
        expect(tree.text('/config/users/al%20ice/clients/<default>')).to.equal(JSON.stringify(quota('8')))
      expect(await world.write('set', '/config/clients/c', { config: {} })).to.equal(undefined)
      expect(again.text('/config/clients/c')).to.equal('{"version":1,"config":{}}')
      expect(world.image.clientQuotas).to.have.length(3)
    })

    it('refuse quotas that Kafka has not', async () => {
      const world = await World.start()
      for (const config of [
        { speed: '1' },
        { producer_byte_rate: 'much' },
        { producer_byte_rate: '' },
        { producer_byte_rate: '-1' },
      ])
        expect(await world.write('create', '/config/clients/c', { config }), JSON.stringify(config)).to.equal(
          'BADARGUMENTS',
        )
      expect(await world.write('create', '/config/clients/%E0', { config: {} })).to.equal('BADARGUMENTS')
      expect(
        await world.write('create', '/config/ips/nowhere', { config: { connection_creation_rate: '3' } }),
      ).to.equal('BADARGUMENTS')
      expect(world.image.clientQuotas).to.have.length(0)
    })

    it('store a user’s SCRAM credential and quota together, or neither', async () => {
      const world = await World.start()
      const credential = 'salt=c2FsdA==,stored_key=c3RvcmVk,server_key=c2VydmVy,iterations=8192'
      const user = (rate: string) => ({ version: 1, config: { 'SCRAM-SHA-256': credential, producer_byte_rate: rate } })
      expect(await world.write('create', '/config/users/bob', user('none'))).to.equal('BADARGUMENTS')
      expect(world.image.scramCredentials.size).to.equal(0)
      expect(await world.write('create', '/config/users/bob', user('5'))).to.equal(undefined)
      expect(world.json('/config/users/bob')).to.deep.equal(user('5'))
      expect(world.image.scramCredentials.get('bob')?.get(1)).to.include({ iterations: 8192 })
      expect(await world.write('set', '/config/users/bob', { config: { producer_byte_rate: '5' } })).to.equal(undefined)
      expect(world.image.scramCredentials.has('bob')).to.equal(false)
      expect(await world.write('set', '/config/users/bob', { config: { 'SCRAM-SHA-256': 'salt=,' } })).to.equal(
        'BADARGUMENTS',
      )
    })

    it('elect the controller again when its node is deleted', async () => {
      const world = await World.start()
      expect(await world.change({ kind: 'delete', path: '/controller' })).to.equal(undefined)
      expect(world.tree.history.slice(-2)).to.deep.equal(['remove /controller', 'put /controller'])
    })

    it('leave to clients what is theirs, and refuse what only the broker writes', async () => {
      const world = await World.start()
      expect(await world.write('create', '/consumers/g', null)).to.equal('plain')
      expect(await world.write('create', '/elsewhere', 'x')).to.equal('plain')
      for (const path of ['/kafka-acl/Topic', '/kafka-acl-extended/prefixed', '/delegation_token/tokens/x'])
        expect(await world.write('create', path, '{}'), path).to.equal('NOAUTH')
      for (const path of ['/brokers/ids/2', '/brokers/topics/t/partitions/0', '/admin/x', '/config/x', '/cluster/x'])
        expect(await world.write('create', path, '{}'), path).to.equal('NOAUTH')
      for (const path of ['/consumers', '/brokers/topics', '/controller_epoch', '/cluster/id', '/brokers/ids/1'])
        expect(await world.change({ kind: 'delete', path }), path).to.equal('NOAUTH')
      expect(world.lines[0]).to.equal(
        'refused to create /kafka-acl/Topic for a ZooKeeper client: Ottla has no ACLs yet, so it stores none',
      )
    })
  })
})
