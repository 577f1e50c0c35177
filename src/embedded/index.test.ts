import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { Kafka, logLevel } from 'kafkajs'
import { ClusterError, type RunningCluster, StartError, startBroker } from './index.ts'

/** Whether a server listens on the port. */
function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

async function refusal(start: Promise<unknown>): Promise<string> {
  try {
    await start
  } catch (error) {
    if (error instanceof StartError) return error.message
    throw error
  }
  throw new Error('it started')
}

describe('a broker inside this process', () => {
  it('listens on a free port of its own, and is gone with its data when closed', async () => {
    const broker = await startBroker()
    expect(broker.bootstrapServers).to.equal(`127.0.0.1:${broker.port}`)
    expect(await isListening(broker.port)).to.equal(true)
    await broker.close()
    await broker.close()
    expect(await isListening(broker.port)).to.equal(false)
    expect(existsSync(broker.dataDirectory)).to.equal(false)
  })

  it('leaves a directory alone that it was given, and may be started there again', async () => {
    const dataDirectory = mkdtempSync(join(tmpdir(), 'ottla-test-'))
    try {
      for (let start = 0; start < 2; start++) await (await startBroker({ dataDirectory })).close()
      expect(existsSync(join(dataDirectory, 'meta.properties'))).to.equal(true)
    } finally {
      rmSync(dataDirectory, { recursive: true })
    }
  })

  it('says in one line why it cannot start', async () => {
    const broker = await startBroker()
    const { dataDirectory, port } = broker
    expect(await refusal(startBroker({ dataDirectory }))).to.contain(`${dataDirectory} is in use`)
    expect(await refusal(startBroker({ port }))).to.contain('the port is in use')
    expect(await refusal(startBroker({ settings: { 'num.partitions': 'many' } }))).to.contain('num.partitions')
    await broker.close()
  })

  it('warns about a setting that it does not know', async () => {
    const warnings: string[] = []
    const logger = { error() {}, warn: (_: object, message: string) => warnings.push(message), info() {}, debug() {} }
    const broker = await startBroker({ logger, settings: { 'no.such.setting': 1 } })
    await broker.close()
    expect(warnings).to.deep.equal(['unknown setting no.such.setting is ignored'])
  })
})

describe('several brokers inside this process', () => {
  let cluster: RunningCluster
  before(async () => {
    cluster = await startBroker({ brokers: 3, racks: ['a', 'b', 'c'], settings: { 'default.replication.factor': 3 } })
    const kafka = new Kafka({ brokers: cluster.bootstrapServers.split(','), logLevel: logLevel.NOTHING })
    const admin = kafka.admin()
    await admin.connect()
    await admin.createTopics({ topics: [{ topic: 'orders', numPartitions: 2 }] })
    await admin.fetchOffsets({ groupId: 'g', topics: ['orders'] })
    await admin.disconnect()
  })
  after(() => cluster.close())

  it('each listen on a free port of their own', async () => {
    expect(cluster.brokers.map(({ nodeId, rack }) => [nodeId, rack])).to.deep.equal([
      [1, 'a'],
      [2, 'b'],
      [3, 'c'],
    ])
    expect(new Set(cluster.brokers.map(({ port }) => port)).size).to.equal(3)
    expect(cluster.port).to.equal(cluster.broker(1).port)
    for (const { port } of cluster.brokers) expect(await isListening(port)).to.equal(true)
  })

  it('are killed, and start again at the same port', async () => {
    const broker = cluster.broker(2)
    const { bootstrapServers } = cluster
    await broker.kill()
    await broker.kill()
    expect([broker.isRunning, await isListening(broker.port)]).to.deep.equal([false, false])
    const led = [0, 1].map((partition) => cluster.partition('orders', partition).leader)
    expect(led).not.to.include(2)
    await broker.start()
    await broker.start()
    expect([broker.isRunning, await isListening(broker.port)]).to.deep.equal([true, true])
    expect(cluster.bootstrapServers).to.equal(bootstrapServers)
  })

  it('let leaders move to replicas that are in sync', async () => {
    const partition = cluster.partition('orders', 0)
    const epoch = partition.leaderEpoch
    const next = partition.isr.find((node) => node !== partition.leader)!
    await partition.moveLeader(next)
    expect([partition.leader, partition.leaderEpoch]).to.deep.equal([next, epoch + 1])
    await partition.moveLeader(next)
    expect(partition.leaderEpoch).to.equal(epoch + 1)
    const refused = await rejection(partition.moveLeader(7))
    expect(refused.message).to.equal(
      `broker 7 cannot lead orders-0: its in-sync replicas are ${partition.isr.join(', ')} (BROKER_ID_NOT_REGISTERED)`,
    )
    expect(refused.error).to.equal('BROKER_ID_NOT_REGISTERED')
    expect(() => cluster.partition('orders', 9).leader).to.throw(ClusterError, 'there is no partition orders-9')
  })

  it('let coordinators of groups move', async () => {
    const group = cluster.group('g')
    const next = group.coordinator === 1 ? 3 : 1
    await group.moveCoordinator(next)
    expect(group.coordinator).to.equal(next)
  })

  it('let coordinators of transactions move, and transactions go on', async () => {
    const kafka = new Kafka({ brokers: cluster.bootstrapServers.split(','), logLevel: logLevel.NOTHING })
    const producer = kafka.producer({ transactionalId: 'pay', idempotent: true, maxInFlightRequests: 1 })
    await producer.connect()
    const transaction = await producer.transaction()
    await transaction.send({ topic: 'orders', messages: [{ value: 'paid' }] })
    const id = cluster.transactionalId('pay')
    const next = id.coordinator === 1 ? 3 : 1
    await id.moveCoordinator(next)
    expect(id.coordinator).to.equal(next)
    await transaction.commit()
    await producer.disconnect()
  })

  it('are added and removed', async () => {
    const added = await cluster.addBroker({ rack: 'd' })
    expect([added.nodeId, added.rack, added.isRunning]).to.deep.equal([4, 'd', true])
    expect(cluster.bootstrapServers.split(',').length).to.equal(4)
    await added.remove()
    expect(cluster.brokers.length).to.equal(3)
    expect(await isListening(added.port)).to.equal(false)
    expect(() => cluster.broker(4)).to.throw(ClusterError, 'there is no broker 4')
    expect((await rejection(cluster.broker(1).remove())).message).to.contain('broker 1 cannot be removed')
  })

  it('say in one line why they cannot start', async () => {
    expect(await refusal(startBroker({ brokers: 0 }))).to.contain('num.brokers')
    expect(await refusal(startBroker({ brokers: 2, racks: ['a'] }))).to.contain('it names 1 rack for 2 brokers')
    expect(await refusal(startBroker({ brokers: 2, racks: ['a,b', 'c'] }))).to.contain('the rack a,b has a comma')
    expect(await refusal(startBroker({ brokers: 2, port: cluster.port - 1 }))).to.equal(
      `cannot listen on PLAINTEXT://127.0.0.1:${cluster.port} for broker 2: the port is in use; set listeners to an address whose next ports are free for the other brokers`,
    )
  })

  it('say in one line why one cannot be added, and go on', async () => {
    const settings = { 'advertised.listeners': 'PLAINTEXT://box:19092' }
    const alone = await startBroker({ settings })
    try {
      expect(await refusal(alone.addBroker({ rack: '' }))).to.contain('a rack has no name')
      expect(await refusal(alone.addBroker())).to.contain('two brokers would be advertised at box:19092')
      expect(alone.brokers.length).to.equal(1)
      const noCoordinator = await rejection(alone.group('g').moveCoordinator(1))
      expect([noCoordinator.error, alone.group('g').coordinator]).to.deep.equal([
        'COORDINATOR_NOT_AVAILABLE',
        undefined,
      ])
      expect(noCoordinator.message).to.contain('let a consumer join or commit first')
      const noTransaction = await rejection(alone.transactionalId('t').moveCoordinator(1))
      expect(noTransaction.message).to.contain('let a producer begin first')
    } finally {
      await alone.close()
    }
  })
})

async function rejection(work: Promise<unknown>): Promise<ClusterError> {
  try {
    await work
  } catch (error) {
    if (error instanceof ClusterError) return error
    throw error
  }
  throw new Error('it was done')
}
