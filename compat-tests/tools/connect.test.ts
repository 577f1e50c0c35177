import { expect } from 'chai'
import { apacheKafka } from '../apache-kafka.ts'
import { ottla } from '../broker-program.ts'
import { needs } from '../requirements.ts'
import { TestBroker } from '../test-broker.ts'
import { ConnectWorker } from './connect-worker.ts'

for (const version of ['4.3.1', '2.8.2']) {
  describe(`Kafka Connect ${version} with the file connectors, at Apache Kafka and at Ottla`, function () {
    this.timeout(300_000)
    needs('java', 'maven')
    let brokers: TestBroker[] = []
    let workers: ConnectWorker[] = []

    before(async () => {
      brokers = await TestBroker.startAll([{ program: apacheKafka }, { program: ottla }])
      workers = await Promise.all(brokers.map((broker) => ConnectWorker.at(broker, version)))
    })
    after(async () => {
      await Promise.all(workers.map((worker) => worker.dispose()))
      await Promise.all(brokers.map((broker) => broker.dispose()))
    })

    /** Does the same at both; the answers must be the same. */
    async function both(session: (worker: ConnectWorker) => Promise<void>): Promise<void> {
      await Promise.all(workers.map(session))
      const [theirs, ours] = workers.map(({ answers }) => answers.splice(0))
      expect(theirs).to.not.deep.equal([])
      expect(ours).to.deep.equal(theirs)
    }

    it('copies lines in a standalone worker, and goes on from its offset file', () =>
      both(async (worker) => {
        const connectors = { in: worker.source('alone'), out: worker.sink('alone') }
        worker.append('alone', 'one\ntwo\n')
        await worker.startStandalone(connectors)
        await worker.written('alone', 'one\ntwo\n')
        await worker.ask('GET', '/connectors/in')
        await worker.stop()
        worker.append('alone', 'three\n')
        await worker.startStandalone(connectors)
        await worker.written('alone', 'one\ntwo\nthree\n')
        await worker.ask('GET', '/connectors/in/status')
        await worker.stop()
      }))

    it('copies lines in a distributed worker, whose connectors and offsets survive it', () =>
      both(async (worker) => {
        worker.append('shared', 'one\ntwo\n')
        await worker.startDistributed()
        const isCreated = (content: string) => content.includes('"tasks"')
        await worker.askUntil(isCreated, 'PUT', '/connectors/in/config', worker.source('shared'))
        await worker.ask('PUT', '/connectors/out/config', worker.sink('shared'))
        await worker.written('shared', 'one\ntwo\n')
        await worker.stop()
        worker.append('shared', 'three\n')
        await worker.startDistributed()
        await worker.written('shared', 'one\ntwo\nthree\n')
        const run = (content: string) => content.match(/RUNNING/g)?.length === 2
        for (const name of ['in', 'out']) await worker.askUntil(run, 'GET', `/connectors/${name}/status`)
        for (const path of ['/', '/connectors', '/connectors/in', '/connectors/out/config', '/connectors/in/tasks'])
          await worker.ask('GET', path)
        await worker.ask('GET', '/connectors/out/topics')
        if (!version.startsWith('2.')) {
          const isStored = (content: string) => content.includes('"position":14')
          await worker.askUntil(isStored, 'GET', '/connectors/in/offsets')
          const isCommitted = (content: string) => content.includes('"shared"},"offset":{"kafka_offset":3}')
          await worker.askUntil(isCommitted, 'GET', '/connectors/out/offsets')
        }
        await badRequests(worker)
        await worker.ask('POST', '/connectors/out/restart')
        await worker.ask('PUT', '/connectors/in/pause')
        const isPaused = (content: string) => content.match(/PAUSED/g)?.length === 2
        await worker.askUntil(isPaused, 'GET', '/connectors/in/status')
        await worker.ask('DELETE', '/connectors/in')
        await worker.askUntil((content) => content === '["out"]', 'GET', '/connectors')
        await worker.stop()
      }))
  })
}

async function badRequests(worker: ConnectWorker): Promise<void> {
  await worker.ask('GET', '/connectors/absent')
  await worker.ask('DELETE', '/connectors/absent')
  await worker.ask('POST', '/connectors', { name: 'in', config: worker.source('shared') })
  await worker.ask('PUT', '/connectors/bad/config', { 'connector.class': 'FileStreamSink', 'tasks.max': 'many' })
  await worker.ask('PUT', '/connectors/bad/config', { 'connector.class': 'FileStreamSink' })
  await worker.ask('PUT', '/connectors/bad/config', {})
}
