import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { logConfig } from '../../storage/log-config.fixture.ts'
import { ToolRunner } from '../console-tools/tool-runner.ts'
import { needs } from '../requirements.ts'
import { dumpLog, type FileKind, filesOf, logLines, recordLine } from './dump-log.ts'
import { partitionDirectory, realManager, type WrittenLog, writeLogs } from './written-logs.ts'

const VERSIONS = ['4.4.0', '2.8.2']
const INDEXES: FileKind[] = ['index', 'timeindex']

/** What happens to the files before the tool reads them. */
const HISTORIES = {
  'after a clean stop': (directory: string) => writeLogs(directory, 'stop'),
  'recovered after kill -9': async (directory: string) => {
    const logs = await writeLogs(directory, 'kill')
    rmSync(`${directory}-live`, { recursive: true })
    const configs = new Map(logs.map(({ topic, config }) => [topic, config]))
    const manager = realManager(directory, { logCleanerEnable: false })
    await manager.start((topic) => configs.get(topic) ?? logConfig())
    await manager.stop()
    return logs
  },
}

for (const [history, make] of Object.entries(HISTORIES)) {
  describe(`kafka-dump-log of files ${history}`, function () {
    this.timeout(300_000)
    needs('java', 'maven')
    let parent: string
    let directory: string
    let logs: WrittenLog[]

    before(async () => {
      parent = mkdtempSync(join(tmpdir(), 'ottla-dump-'))
      directory = join(parent, 'data')
      logs = await make(directory)
    })
    after(() => {
      if (parent !== undefined) rmSync(parent, { recursive: true, force: true })
    })

    const files = (...kinds: FileKind[]) =>
      logs.flatMap((log) => kinds.flatMap((kind) => filesOf(partitionDirectory(directory, log), kind)))

    it('has many segments, and files of every kind, to look at', () => {
      for (const log of logs) {
        expect(filesOf(partitionDirectory(directory, log), 'log').length, log.topic).to.be.greaterThan(1)
      }
      for (const kind of ['index', 'timeindex', 'txnindex', 'snapshot'] as const) {
        expect(files(kind).length, kind).to.be.greaterThan(1)
      }
    })

    for (const version of VERSIONS) {
      describe(`by ${version}`, () => {
        let tools: ToolRunner
        before(async () => {
          tools = await ToolRunner.start(version)
        })
        after(() => tools?.close())

        it('accepts every index, and its sanity check too', async () => {
          const indexes = files(...INDEXES)
          const verified = await dumpLog(tools, indexes, '--verify-index-only')
          expect(verified.complaints).to.deep.equal([])
          const checked = await dumpLog(tools, indexes, '--index-sanity-check')
          expect(checked.complaints).to.deep.equal([])
          expect(checked.passed).to.have.length(indexes.length)
        })

        it('prints exactly the records that were written, in each log', async () => {
          const isCompacted = ({ config }: WrittenLog) => config.cleanupPolicy.includes('compact')
          const dump = async (these: WrittenLog[]) => {
            const all = these.flatMap((log) => filesOf(partitionDirectory(directory, log), 'log'))
            return dumpLog(tools, all, '--deep-iteration', '--print-data-log')
          }
          const dense = await dump(logs.filter((log) => !isCompacted(log)))
          expect(dense.complaints).to.deep.equal([])
          const sparse = await dump(logs.filter(isCompacted))
          expect(sparse.complaints.filter((line) => !isAboutGaps(line))).to.deep.equal([])
          for (const log of logs) {
            const found = logLines(isCompacted(log) ? sparse : dense, partitionDirectory(directory, log))
            const from = Number(/\d+/.exec(found.records[0]!)![0])
            const expected = log.records.filter(({ offset }) => offset >= from)
            expect(expected.length, log.topic).to.be.greaterThan(15)
            expect(found.records, log.topic).to.deep.equal(expected.map(recordLine))
            expect(epochsIn(found.batches), log.topic).to.deep.equal(epochsOf(log))
          }
        })

        it('reads aborted transactions and producers', async () => {
          const log = logs.find(({ topic }) => topic === 'transactional')!
          const place = partitionDirectory(directory, log)
          const { lines, complaints } = await dumpLog(tools, [
            ...filesOf(place, 'txnindex'),
            ...filesOf(place, 'snapshot'),
          ])
          expect(complaints).to.deep.equal([])
          const all = [...lines].flatMap(([file, each]) => (file.endsWith('.txnindex') ? each : []))
          expect(all).to.deep.equal(abortedIn(log))
          const newest = [...lines]
            .filter(([file]) => file.endsWith('.snapshot'))
            .sort()
            .at(-1)![1]
          const open = log.records.findLast(({ sequence }) => sequence >= 0)!
          expect(newest.join('\n'))
            .to.match(/producerId: 1000 producerEpoch: 1 coordinatorEpoch: 3 /)
            .and.include(
              `currentTxnFirstOffset: ${version === '2.8.2' ? `Some(${open.offset})` : `OptionalLong[${open.offset}]`}`,
            )
            .and.include(`firstSequence: ${open.sequence} lastSequence: ${open.sequence} lastOffset: ${open.offset}`)
            .and.match(/producerId: 2000 producerEpoch: 1 /)
        })
      })
    }
  })
}

describe('what kafka-dump-log says of broken files', function () {
  this.timeout(120_000)
  needs('java', 'maven')
  let parent: string
  let place: string
  let tools: ToolRunner
  before(async () => {
    parent = mkdtempSync(join(tmpdir(), 'ottla-dump-'))
    const logs = await writeLogs(join(parent, 'data'), 'stop')
    place = partitionDirectory(join(parent, 'data'), logs[0]!)
  })
  afterEach(() => tools?.close())
  after(() => {
    if (parent !== undefined) rmSync(parent, { recursive: true, force: true })
  })

  /** Adds one to a byte of the first file of that kind that is long enough. */
  function damage(kind: FileKind, position: number): string {
    const file = filesOf(place, kind).find((each) => readFileSync(each).length > position)!
    const bytes = readFileSync(file)
    bytes[position]!++
    writeFileSync(file, bytes)
    return file
  }

  for (const version of VERSIONS) {
    it(`is seen here: an offset, a timestamp, a record, a tail (${version})`, async () => {
      tools = await ToolRunner.start(version)
      const complaintsOf = async (file: string, ...options: string[]) =>
        (await dumpLog(tools, [file], ...options)).complaints.join('\n')
      const time = damage('timeindex', 7)
      expect(await complaintsOf(time, '--verify-index-only')).to.match(/timestamp mismatch/)
      const index = damage('index', 3)
      expect(await complaintsOf(index, '--verify-index-only')).to.match(/Mismatches in/)
      writeFileSync(index, Buffer.from('ffffffff00000000', 'hex'))
      expect(await complaintsOf(index, '--index-sanity-check')).to.match(/exit code 1/)
      const log = damage('log', 80)
      expect(await complaintsOf(log)).to.match(/isvalid: false/)
      const torn = filesOf(place, 'log').at(-1)!
      writeFileSync(torn, Buffer.concat([readFileSync(torn), Buffer.from([1, 2, 3])]))
      expect(await complaintsOf(torn)).to.match(/Found \d invalid bytes/)
    })
  }
})

/** Compaction leaves gaps, which the tool reports. */
function isAboutGaps(line: string): boolean {
  return /^Non-consecutive offsets in|^ {2}\d+ is followed by \d+$/.test(line)
}

function epochsOf({ records }: WrittenLog): number[] {
  return [...new Set(records.map(({ leaderEpoch }) => leaderEpoch))]
}

function epochsIn(batchLines: readonly string[]): number[] {
  return [...new Set(batchLines.map((line) => Number(/partitionLeaderEpoch: (\d+)/.exec(line)?.[1])))]
}

/** Aborted transactions as the tool prints them, found by a simple scan of the records. */
function abortedIn({ records }: WrittenLog): string[] {
  const open = new Map<number, number>()
  const lines: string[] = []
  for (const { producerId, offset, marker } of records) {
    if (marker === undefined) {
      if (producerId >= 0 && !open.has(producerId)) open.set(producerId, offset)
      continue
    }
    const first = open.get(producerId)!
    open.delete(producerId)
    const stable = Math.min(offset + 1, ...open.values())
    const offsets = `firstOffset: ${first} lastOffset: ${offset} lastStableOffset: ${stable}`
    if (marker.type === 'ABORT') lines.push(`version: 0 producerId: ${producerId} ${offsets}`)
  }
  return lines
}
