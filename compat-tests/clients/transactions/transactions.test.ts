import { expect } from 'chai'
import { needs } from '../../requirements.ts'
import { runCommandWell } from '../../run-command.ts'
import { TestBroker } from '../../test-broker.ts'
import { type CopyClient, copyClients } from './copy-clients.ts'
import { type CopyOptions, CopyProcess } from './copy-process.ts'
import { CopyTask, PARTITIONS } from './copy-task.ts'

const COUNT = 240
/** The broker's least: a killed member delays its group so long. */
const SESSION_MS = 2000
/** More than there is. */
const ENDLESS = 1_000_000
const COPIED_WITHIN_MS = 40_000

describe('transactions of stock clients', function () {
  this.timeout(120_000)
  let broker: TestBroker
  const started: CopyProcess[] = []

  before(async () => {
    broker = await TestBroker.start({
      settings: {
        'group.min.session.timeout.ms': String(SESSION_MS),
        'group.consumer.session.timeout.ms': String(SESSION_MS),
        'group.consumer.min.session.timeout.ms': String(SESSION_MS),
        'group.consumer.heartbeat.interval.ms': String(SESSION_MS / 5),
        'group.consumer.min.heartbeat.interval.ms': String(SESSION_MS / 5),
        'offsets.topic.num.partitions': '1',
        'transaction.state.log.num.partitions': '3',
      },
    })
  })
  after(async () => {
    await Promise.all(started.map((each) => each.kill()))
    await broker?.dispose()
  })

  for (const client of copyClients)
    describe(client.name, () => {
      needs(...client.requirements)
      let command: string[]
      before(async function () {
        this.timeout(600_000)
        command = await client.command()
      })

      const variants = client.consumerProtocol === undefined ? [[]] : [[], client.consumerProtocol]
      for (const settings of variants) describeCopies(client, settings, () => command)
    })

  function describeCopies(client: CopyClient, settings: readonly string[], command: () => string[]): void {
    const nameOf = (what: string) =>
      `${client.name}-${what}${settings.length === 0 ? '' : '-consumer'}`.replaceAll(' ', '-')

    function start(task: CopyTask, options: Partial<CopyOptions>): CopyProcess {
      const { input, output, group } = task
      const bootstrap = broker.bootstrap
      const transactionalId = `${group}-a`
      const common = { command: command(), bootstrap, input, output, group, transactionalId, settings }
      const process = new CopyProcess({ ...common, count: ENDLESS, sessionMs: SESSION_MS, ...options })
      started.push(process)
      return process
    }

    async function copied(task: CopyTask, processes: readonly CopyProcess[]): Promise<void> {
      await task.copied(COPIED_WITHIN_MS).catch((cause) => {
        throw new Error([cause.message, ...processes.map(({ state }) => state)].join('\n'), { cause })
      })
      await Promise.all(processes.map((each) => each.kill()))
      expect(await task.failures(processes)).to.deep.equal([])
    }

    async function copyOnce(): Promise<void> {
      const task = await CopyTask.create([broker.port], nameOf('once'))
      await task.write(COUNT)
      const process = start(task, { count: COUNT, abortEvery: 3 })
      expect(await process.ended(), process.state).to.equal(0)
      expect(process.records('committed')).to.equal(COUNT)
      expect(process.records('aborted')).to.be.above(0)
      await copied(task, [process])
      await task.end()
      const read = [...command(), 'read', broker.bootstrap, task.output, String(PARTITIONS)]
      const seen = (await runCommandWell(read)).stdout.trim().split('\n')
      const count = (isolation: string) => seen.filter((line) => JSON.parse(line).isolation === isolation).length
      expect(count('read_committed')).to.equal(COUNT)
      expect(count('read_uncommitted')).to.equal(COUNT + process.records('aborted'))
    }

    async function killOne(): Promise<void> {
      const task = await CopyTask.create([broker.port], nameOf('killed'))
      await task.write(COUNT)
      const killed = start(task, { holdAt: 1 })
      await killed.until('held')
      const other = start(task, { transactionalId: `${task.group}-b` })
      await other.until('ready')
      await killed.kill()
      const again = start(task, {})
      await again.until('ready')
      await task.write(COUNT)
      await copied(task, [killed, other, again])
    }

    async function fenceOne(): Promise<void> {
      const task = await CopyTask.create([broker.port], nameOf('fenced'))
      await task.write(COUNT)
      const older = start(task, { holdAt: 1 })
      await older.until('held')
      const newer = start(task, {})
      await newer.until('ready')
      older.release()
      const { error } = await older.until('failed')
      expect(error, older.state).to.match(client.fencedBy)
      await copied(task, [older, newer])
    }

    describe(settings.length === 0 ? 'in a group' : `in a group with ${settings}`, () => {
      /** At the same time, since they wait for sessions to end. */
      const running = new Map<() => Promise<void>, Promise<void>>()
      before(() => {
        for (const each of [copyOnce, killOne, fenceOne]) {
          const run = each()
          run.catch(() => {}) // its test reports it
          running.set(each, run)
        }
      })

      it('copies exactly once, and reads again what it aborted', () => running.get(copyOnce))
      it('goes on where one was killed in a transaction', () => running.get(killOne))
      it('is fenced by one with the same transactional id', () => running.get(fenceOne))
    })
  }
})
