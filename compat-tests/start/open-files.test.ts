import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { expect } from 'chai'
import { CreateTopics } from '../../protocol/apis/create-topics.ts'
import { Metadata } from '../../protocol/apis/metadata.ts'
import { Produce } from '../../protocol/apis/produce.ts'
import { buildBatch } from '../../protocol/records/batch-builder.ts'
import { openLimits } from '../../storage/open-limits.ts'
import { ottlaCommand } from '../broker-program.ts'
import { RawClient } from '../raw-client.ts'
import { againstApacheKafka } from '../test-broker.ts'
import { waitFor } from '../wait-for.ts'
import { StartRig } from './start-rig.ts'

const TOPICS = 100
const PARTITIONS = 5

/** The limit is a hard one, because Node.js raises a soft limit by itself. */
describe('a process that may open few files', function () {
  this.timeout(120_000)
  let rig: StartRig

  before(function () {
    if (againstApacheKafka || process.platform === 'win32') this.skip()
  })
  beforeEach(async () => {
    rig = await StartRig.make()
  })
  afterEach(() => rig.end())

  const runsWithin = (limit: number) =>
    rig.runsCommand(['sh', '-c', `ulimit -n ${limit}; exec "$0" "$@"`, ...ottlaCommand(...rig.startArgs())])

  for (const limit of [128, 256, 512])
    it(`writes to ${TOPICS * PARTITIONS} partitions with ${limit} files`, async () => {
      const running = await runsWithin(limit)
      const client = await RawClient.connect(rig.port)
      try {
        const topics = Array.from({ length: TOPICS }, (_, i) => ({
          name: `many${i}`,
          numPartitions: PARTITIONS,
          replicationFactor: 1,
          assignments: [],
          configs: [],
        }))
        const created = await client.send(CreateTopics, 5, { topics, timeoutMs: 30_000, validateOnly: false })
        expect(created.topics.filter(({ errorCode }) => errorCode !== 0)).to.deep.equal([])
        for (let partition = 0; partition < PARTITIONS; partition++) {
          const topicData = topics.map(({ name }) => ({
            name,
            partitionData: [{ index: partition, records: buildBatch([{ value: Buffer.from('x'), timestamp: 1 }]) }],
          }))
          const request = { transactionalId: null, acks: 1, timeoutMs: 30_000, topicData }
          const { responses } = await client.send(Produce, 8, request as never)
          const codes = responses.flatMap(({ partitionResponses }) => partitionResponses.map((each) => each.errorCode))
          expect(codes).to.deep.equal(topics.map(() => 0))
        }
      } finally {
        client.close()
      }
      expect(running.stderr).to.equal('')
      expect(await rig.stops(running.child, 'SIGTERM')).to.equal(0)
    })

  it('refuses connections beyond what it can hold with a line each, and serves those that it has', async () => {
    const limit = 128
    const room = openLimits(limit).connections
    const running = await runsWithin(limit)
    const client = await RawClient.connect(rig.port)
    const sockets: Socket[] = []
    let closed = 0
    try {
      for (let i = 0; i < limit; i++) {
        const socket = connect(rig.port, '127.0.0.1')
        socket.on('error', () => {})
        socket.once('close', () => closed++)
        sockets.push(socket)
        await once(socket, 'connect')
      }
      await waitFor('those beyond the room are refused', () => closed === limit + 1 - room)
      const lines = running.stderr.trimEnd().split('\n')
      expect(lines).to.have.length(closed)
      const same = new Set(lines.map((line) => line.replace(/127\.0\.0\.1:\d+/, 'CLIENT')))
      expect([...same]).to.deep.equal([
        `ottla warn: refused the connection of CLIENT: the limit of ${limit} open files leaves room for ${room} connections: raise the limit with ulimit -n`,
      ])
      const everything = { topics: null, allowAutoTopicCreation: false }
      expect((await client.send(Metadata, 4, everything as never)).brokers).to.have.length(1)
    } finally {
      client.close()
      for (const socket of sockets) socket.destroy()
    }
  })
})
