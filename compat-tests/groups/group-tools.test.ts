import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { type Consumer, Kafka, logLevel } from 'kafkajs'
import { kafkaToolCommand } from '../../scripts/kafka-tool.ts'
import { commitFromOutside } from '../commit-offsets.ts'
import { ToolRunner } from '../console-tools/tool-runner.ts'
import { needs } from '../requirements.ts'
import { runCommandWell } from '../run-command.ts'
import { TestBroker } from '../test-broker.ts'

const VERSIONS = ['4.4.0', '2.8.2']
const RECORDS = 10
const HOUR_MS = 3_600_000
/**
 * Timestamp of the first record, young enough for retention; the others follow an hour apart, each half an hour off the
 * current time.
 */
const FIRST_RECORD_MS = Date.now() - 20.5 * HOUR_MS

const SAID_BESIDE = 'on stderr: '

/** Rows of a printed table, by column. */
function table(text: string): Record<string, string>[] {
  const lines = text
    .split(SAID_BESIDE)[0]!
    .split('\n')
    .filter((line) => line.trim() !== '')
  const head = lines.findIndex((line) => line.startsWith('GROUP'))
  if (head === -1) return []
  const columns = lines[head]!.trim()
    .split(/\s{2,}|\t/)
    .flatMap((column) => column.split(/ (?=[A-Z-]+$)/))
  return lines
    .slice(head + 1)
    .map((line) => line.trim().split(/\s+/))
    .map((cells) => Object.fromEntries(cells.map((cell, i) => [columns[i] ?? `${i}`, cell])))
}

describe('stock tools for groups', function () {
  needs('java', 'maven')
  this.timeout(300_000)
  let broker: TestBroker
  let kafka: Kafka
  let folder: string
  let member: Consumer

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ottla-groups-'))
    broker = await TestBroker.start()
    kafka = new Kafka({ clientId: 'test', brokers: [broker.bootstrap], logLevel: logLevel.ERROR })
    await fill()
    member = kafka.consumer({ groupId: 'busy' })
    await member.connect()
    await member.subscribe({ topics: ['t'], fromBeginning: true })
    await member.run({ eachMessage: async () => {} })
  })
  after(async () => {
    await member?.disconnect()
    await broker?.dispose()
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
  })

  /** Fills two partitions with records an hour apart. */
  async function fill(): Promise<void> {
    const admin = kafka.admin()
    await admin.connect()
    await admin.createTopics({ topics: ['t', 'u'].map((topic) => ({ topic, numPartitions: 2 })) })
    await admin.disconnect()
    const producer = kafka.producer()
    await producer.connect()
    for (const topic of ['t', 'u']) {
      const messages = [0, 1].flatMap((partition) =>
        Array.from({ length: RECORDS }, (_, i) => ({
          partition,
          value: `${i}`,
          timestamp: String(FIRST_RECORD_MS + i * HOUR_MS),
        })),
      )
      await producer.send({ topic, messages })
    }
    await producer.disconnect()
  }

  const setOffsets = (groupId: string, topic: string, offset: number) =>
    commitFromOutside(broker.port, groupId, topic, [offset, offset])

  async function committed(groupId: string, topic: string): Promise<number[]> {
    const admin = kafka.admin()
    await admin.connect()
    const [fetched] = await admin.fetchOffsets({ groupId, topics: [topic] })
    await admin.disconnect()
    return fetched!.partitions.sort((a, b) => a.partition - b.partition).map(({ offset }) => Number(offset))
  }

  for (const version of VERSIONS) {
    const isNew = version.startsWith('4.')

    let tools: ToolRunner

    const groups = async (...args: string[]): Promise<string> => {
      const result = await tools.run('kafka-consumer-groups', ['--bootstrap-server', broker.bootstrap, ...args])
      return `${result.stdout}\n${SAID_BESIDE}${result.stderr}`
    }

    describe(`kafka-consumer-groups of ${version}`, () => {
      const idle = `idle-${version}`
      const reset = (...args: string[]) => groups('--reset-offsets', '--group', idle, '--topic', 't', ...args)
      before(async () => {
        tools = await ToolRunner.start(version)
        await setOffsets(idle, 't', 4)
      })
      after(() => tools?.close())

      it('lists groups, with their states', async () => {
        expect((await groups('--list')).split('\n')).to.include.members([idle, 'busy'])
        const states = table(await groups('--list', '--state'))
        expect(states.find(({ GROUP }) => GROUP === 'busy')).to.include({ STATE: 'Stable' })
        const empty = (await groups('--list', '--state', 'Empty')).split('\n')
        expect(empty.some((line) => line.includes(idle))).to.equal(true)
        expect(empty.some((line) => line.includes('busy'))).to.equal(false)
      })

      it('describes offsets and lag of a group in use, and of one that is not', async () => {
        const rows = table(await groups('--describe', '--group', 'busy'))
        expect(rows).to.have.length(2)
        for (const row of rows)
          expect(row).to.include({ TOPIC: 't', 'LOG-END-OFFSET': `${RECORDS}`, HOST: '/127.0.0.1' })
        const idleRows = table(await groups('--describe', '--group', idle, '--offsets'))
        expect(idleRows.map((row) => [row['CURRENT-OFFSET'], row.LAG, row['CONSUMER-ID']])).to.deep.equal([
          ['4', '6', '-'],
          ['4', '6', '-'],
        ])
        const all = table(await groups('--describe', '--all-groups'))
        expect(new Set(all.map(({ GROUP }) => GROUP))).to.include.keys('busy', idle)
      })

      it('describes members with their assignment, and states', async () => {
        const [row] = table(await groups('--describe', '--group', 'busy', '--members', '--verbose'))
        expect(Object.values(row!).join(' ')).to.match(isNew ? /t:0,1/ : /t\(0,1\)/)
        const state = await groups('--describe', '--group', 'busy', '--state')
        expect(state).to.match(/busy\s+127\.0\.0\.1:\d+\s+\(1\)\s+RoundRobinAssigner\s+Stable\s+1/)
        expect(await groups('--describe', '--group', 'no-such-group')).to.match(/does not exist|not found/)
      })

      it('resets offsets in each of its ways', async () => {
        const file = join(folder, `${version}.csv`)
        const at = (hour: number) => new Date(FIRST_RECORD_MS + hour * HOUR_MS).toISOString().slice(0, 23)
        writeFileSync(file, 't,0,3\nt,1,8\n')
        const ways: [string[], number[]][] = [
          [
            ['--to-offset', '7'],
            [7, 7],
          ],
          [
            ['--shift-by', '-2'],
            [5, 5],
          ],
          [['--to-earliest'], [0, 0]],
          [['--to-latest'], [RECORDS, RECORDS]],
          [
            ['--to-datetime', at(6)],
            [6, 6],
          ],
          [
            ['--by-duration', 'PT18H'],
            [3, 3],
          ],
          [
            ['--from-file', file],
            [3, 8],
          ],
          [['--to-current'], [3, 8]],
        ]
        for (const [way, offsets] of ways) {
          const planned = table(await reset(...way, '--execute'))
          expect(planned.map((row) => Number(row['NEW-OFFSET'])).sort(), way.join(' ')).to.deep.equal(
            [...offsets].sort(),
          )
          expect(await committed(idle, 't'), way.join(' ')).to.deep.equal(offsets)
        }
        await reset('--to-earliest', '--dry-run')
        expect(await committed(idle, 't')).to.deep.equal([3, 8])
        expect(await reset('--to-current', '--export', '--dry-run')).to.match(/"?t"?,0,3/)
        const refused = await groups('--reset-offsets', '--group', 'busy', '--topic', 't', '--to-earliest', '--execute')
        expect(refused).to.match(/Assignments can only be reset if the group 'busy' is inactive/)
      })

      it('deletes offsets that nobody reads, and groups that nobody is in', async () => {
        await setOffsets(idle, 'u', 2)
        expect(await groups('--delete-offsets', '--group', idle, '--topic', 'u')).to.match(/u\s+0\s+Successful/)
        expect(await committed(idle, 'u')).to.deep.equal([-1, -1])
        expect(await groups('--delete-offsets', '--group', 'busy', '--topic', 't')).to.match(/subscribed|Error/i)
        expect(await groups('--delete', '--group', 'busy')).to.match(/not empty/i)
        expect(await groups('--delete', '--group', idle)).to.match(/successful/)
        expect((await groups('--list')).split('\n')).not.to.include(idle)
      })
    })
  }

  it('kafka-groups lists groups of every kind', async () => {
    const args = ['--bootstrap-server', broker.bootstrap, '--list']
    const { stdout } = await runCommandWell(await kafkaToolCommand('4.4.0', 'kafka-groups', args))
    expect(stdout).to.match(/busy\s+Classic\s+consumer/)
    const typed = [...args, '--group-type', 'consumer']
    const none = await runCommandWell(await kafkaToolCommand('4.4.0', 'kafka-groups', typed))
    expect(none.stdout).not.to.contain('busy')
  })

  it('kafka-dump-log reads what the coordinator has written, and it is what happened', async () => {
    await setOffsets('dumped', 't', 9)
    const consumer = await kafkaToolCommand('4.4.0', 'kafka-console-consumer', [
      ...['--bootstrap-server', broker.bootstrap, '--topic', 't', '--group', 'dumped-new', '--max-messages', '1'],
      ...['--command-property', 'group.protocol=consumer', '--command-property', 'auto.offset.reset=earliest'],
    ])
    await runCommandWell(consumer)
    const file = join(broker.dataDir, '__consumer_offsets-0', '00000000000000000000.log')
    expect(readFileSync(file).length).to.be.greaterThan(0)
    const args = ['--deep-iteration', '--print-data-log', '--offsets-decoder', '--files', file]
    const { stdout } = await runCommandWell(await kafkaToolCommand('4.4.0', 'kafka-dump-log', args))
    expect(stdout).to.match(/"type":"1","data":\{"group":"dumped","topic":"t","partition":0\}.*"offset":9/)
    expect(stdout).to.match(/"type":"2","data":\{"group":"busy"\}.*"protocol":"RoundRobinAssigner"/)
    for (const type of [3, 5, 6, 7, 8]) {
      expect(stdout, `record type ${type}`).to.match(new RegExp(`"type":"${type}","data":\\{"groupId":"dumped-new"`))
    }
    expect(stdout).not.to.match(/Error|could not|Found invalid/i)
  })
})
