import { SeededRandom } from '../../../storage/host/seeded-random.ts'
import { TestBroker } from '../../test-broker.ts'
import { waitFor } from '../../wait-for.ts'
import { copyClients } from './copy-clients.ts'
import { CopyTask } from './copy-task.ts'
import { CopyTeam, variantsOf } from './copy-team.ts'

const STEPS = 12
const RECORDS_A_STEP = 180
/** Something is committed between two steps, unless that takes longer. */
const STEP_WITHIN_MS = 20_000
/** And then so much time passes at most. */
const PAUSE_MS = 300
/** Time in which a killed broker is away. */
const AWAY_MS = 500
/** A killed member delays its group so long. */
const SESSION_MS = 3000
const COPIED_WITHIN_MS = 90_000
/** A client that fails is started again; more often than that, and it does not work at all. */
const FAILURES_ENOUGH = 20

export interface CopyRound {
  /** What went wrong; empty if nothing did. */
  readonly failures: readonly string[]
  readonly summary: string
}

const variants = variantsOf(copyClients)

/** Rounds until each client had one with each group protocol that it has. */
export const ROUNDS_A_TURN = variants.length

/**
 * A client copies a topic in transactions, while its members and the broker are killed and members are replaced by others
 * with the same transactional id. The seed also says which client.
 */
export async function runCopyRound(seed: number): Promise<CopyRound> {
  const variant = variants[seed % variants.length]!
  const broker = await TestBroker.start({
    settings: {
      'group.min.session.timeout.ms': String(SESSION_MS),
      'group.consumer.session.timeout.ms': String(SESSION_MS),
      'group.consumer.min.session.timeout.ms': String(SESSION_MS),
      'group.consumer.heartbeat.interval.ms': String(SESSION_MS / 5),
      'group.consumer.min.heartbeat.interval.ms': String(SESSION_MS / 5),
      'offsets.topic.num.partitions': '3',
      'transaction.state.log.num.partitions': '3',
    },
  })
  let team: CopyTeam | undefined
  try {
    team = new CopyTeam({
      variant,
      command: await variant.client.command(),
      bootstrap: broker.bootstrap,
      task: await CopyTask.create([broker.port], 'round'),
      sessionMs: SESSION_MS,
      processesEnough: STEPS + FAILURES_ENOUGH,
    })
    await play(team, broker, new SeededRandom(seed))
    return { failures: await team.failures(), summary: team.summary }
  } catch (error) {
    const why = (error as Error).stack ?? String(error)
    return { failures: [why, ...(team?.states ?? [])], summary: team?.summary ?? '' }
  } finally {
    await team?.end()
    await broker.dispose()
  }
}

async function play(team: CopyTeam, broker: TestBroker, random: SeededRandom): Promise<void> {
  team.startAll()
  for (let step = 0; step < STEPS; step++) {
    await team.task.write(RECORDS_A_STEP)
    await progress(team)
    await pause(random.below(PAUSE_MS))
    const what = random.pick(['kill', 'kill', 'replace', 'crash'] as const)
    const id = random.pick(team.ids)
    team.count(what)
    if (what === 'crash') await crash(broker, random.below(AWAY_MS))
    else {
      if (what === 'kill') await team.kill(id)
      team.start(id)
    }
  }
  await team.copied(COPIED_WITHIN_MS)
  await team.end()
}

/** Waits for a commit. The client may need longer: the next step comes all the same. */
async function progress(team: CopyTeam): Promise<void> {
  const before = team.records('committed')
  const hasCommitted = () => {
    team.startFailed()
    return team.records('committed') > before
  }
  await waitFor('a commit', hasCommitted, STEP_WITHIN_MS).catch(() => team.count('step without a commit'))
}

async function crash(broker: TestBroker, awayMs: number): Promise<void> {
  await broker.kill9()
  await pause(awayMs)
  await broker.restart()
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
