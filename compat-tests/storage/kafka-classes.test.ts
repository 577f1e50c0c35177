import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { kafkaClassPath } from '../../scripts/kafka-tool.ts'
import { logConfig } from '../../storage/log-config.fixture.ts'
import { javaProgram } from '../java-program.ts'
import { needs } from '../requirements.ts'
import { runCommandWell } from '../run-command.ts'
import { logText } from './log-text.ts'
import { realManager, type WrittenLog, writeLogs } from './written-logs.ts'

/** Programs that use Kafka's own classes; both print the text of log-text.ts. */
const PROGRAMS = { '4.4.0': 'KafkaLogs.java', '2.8.2': 'OldKafkaLogs.java' } as const
type Version = keyof typeof PROGRAMS

async function run(version: Version, ...args: string[]): Promise<string[]> {
  const program = join(import.meta.dirname, PROGRAMS[version])
  const command = await javaProgram(program, await kafkaClassPath(version), '-Xmx512m')
  return (await runCommandWell([...command, ...args])).stdout.split('\n').filter((line) => line !== '')
}

/** Lines of each partition. */
function byPartition(lines: readonly string[]): Map<string, string[]> {
  const parts = new Map<string, string[]>()
  let current: string[] = []
  for (const line of lines) {
    const partition = /^log (\S+)/.exec(line)?.[1]
    if (partition !== undefined) {
      current = []
      parts.set(partition, current)
    }
    current.push(line)
  }
  return parts
}

async function textsByOttla(directory: string, partitions: Iterable<string>): Promise<Map<string, string[]>> {
  const manager = realManager(directory, { logCleanerEnable: false })
  await manager.start(() => logConfig())
  const texts = new Map<string, string[]>()
  for (const partition of partitions) texts.set(partition, await logText(manager, partition))
  await manager.stop()
  return texts
}

function withoutSearch(lines: readonly string[]): string[] {
  return lines.filter((line) => !line.startsWith('time '))
}

function expectSame(found: Map<string, string[]>, expected: Map<string, string[]>): void {
  expect([...found.keys()]).to.deep.equal([...expected.keys()])
  for (const [partition, lines] of expected) {
    expect(lines.length, partition).to.be.greaterThan(20)
    const own = found.get(partition)!
    const differs = lines.findIndex((line, i) => line !== own[i])
    const context = (of: readonly string[]) => (differs < 0 ? [] : of.slice(Math.max(0, differs - 1), differs + 2))
    expect(context(own), partition).to.deep.equal(context(lines))
    expect(own.length, partition).to.equal(lines.length)
  }
}

for (const version of Object.keys(PROGRAMS) as Version[]) {
  describe(`the classes of Apache Kafka ${version} and Ottla`, function () {
    this.timeout(300_000)
    needs('java', 'maven')
    let directory: string
    beforeEach(() => {
      directory = mkdtempSync(join(tmpdir(), 'ottla-classes-'))
    })
    afterEach(() => rmSync(directory, { recursive: true, force: true }))

    it('find the same in what Ottla wrote: records, epochs, producers, transactions, offsets by time', async () => {
      const data = join(directory, 'data')
      const logs = await writeLogs(data, 'stop')
      // The log start offset is in a checkpoint outside the log, which only a broker reads.
      const whole = logs.filter(({ topic }) => topic !== 'trimmed')
      const partitions = whole.map(({ topic }: WrittenLog) => `${topic}-0`)
      cpSync(data, join(directory, 'copy'), { recursive: true })
      const found = byPartition(await run(version, 'read', join(directory, 'copy'), ...partitions))
      const own = await textsByOttla(data, partitions)
      // Kafka stops a search by time at a segment that compaction has emptied; Ottla searches on.
      for (const texts of [found, own]) texts.set('compacted-0', withoutSearch(texts.get('compacted-0')!))
      expectSame(found, own)
    })

    for (const end of ['a clean stop', 'a crash'] as const) {
      it(`find the same in what Kafka wrote, after ${end}`, async () => {
        mkdirSync(join(directory, 'data'))
        const expected = byPartition(await run(version, 'write', join(directory, 'data')))
        if (end === 'a clean stop') {
          writeFileSync(join(directory, 'data', '.kafka_cleanshutdown'), '{"version":0,"brokerEpoch":5}')
        }
        expect(expected.size).to.be.greaterThan(6)
        expectSame(await textsByOttla(join(directory, 'data'), expected.keys()), expected)
      })
    }
  })
}
