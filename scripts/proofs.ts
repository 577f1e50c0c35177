import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { ROUNDS_A_TURN, runCopyRound } from '../compat-tests/clients/transactions/copy-round.ts'
import { runCampaign } from '../compat-tests/fuzz/campaign.ts'
import { kinds } from '../compat-tests/fuzz/kinds.ts'
import { runHistorySession } from '../compat-tests/histories/history-session.ts'
import { runCopySession } from '../compat-tests/moving-leaders/copy-session.ts'
import { runSession } from '../compat-tests/moving-leaders/session.ts'
import { runSeeds } from '../compat-tests/simulation/run-seeds.ts'
import type { ProofPart } from './proof-run.ts'
import { testFilesIn } from './test-files.ts'

/** A long run that verifies the whole product. */
export interface Proof {
  readonly summary: string
  /** `units` overrides the default number of units in all. */
  parts(units?: number): readonly ProofPart[]
}

/** Runs of `npm run proof -- NAME`. */
export const proofs: Readonly<Record<string, Proof>> = {
  directories: {
    summary: '100,000 data directories with damage at rest, a broker started on each',
    parts: (units = 100_000) => [fuzzed('directory', units, 1000)],
  },
  simulation: {
    summary:
      'storage, a whole broker, its groups, transactions and ZooKeeper nodes on a faulty simulated machine, from seeds',
    parts: (units = 16_000) => [
      simulated('storage', Math.ceil(units * 0.75)),
      simulated('broker', Math.ceil(units * 0.125)),
      simulated('groups', Math.ceil(units * 0.125)),
      simulated('transactions', Math.ceil(units * 0.0625)),
      simulated('zookeeper', Math.ceil(units * 0.125)),
    ],
  },
  clusters: {
    summary:
      'one to five brokers, their groups and transactions with network faults, on a faulty simulated machine, from seeds',
    parts: (units = 10_000) => [
      simulated('broker', Math.ceil(units * 0.7)),
      simulated('groups', Math.floor(units * 0.2)),
      simulated('transactions', Math.floor(units * 0.1)),
    ],
  },
  'zookeeper-frames': {
    summary: 'more than a million frames, many of them invalid, to the endpoint that speaks ZooKeeper’s protocol',
    parts: (units = 200_000) => [fuzzed('zookeeper', units, 20_000)],
  },
  'brokers-with-clients': {
    summary: 'minutes of stock clients at three brokers that are killed and whose leaders move',
    parts: (units = 10) => [sessions('brokers-with-clients', runSession, { units, minutes: 10 })],
  },
  transactions: {
    summary: 'stock clients copy in transactions while they and the broker are killed and replaced',
    parts: (units = 10 * ROUNDS_A_TURN) => [copyRounds(units)],
  },
  'brokers-with-transactions': {
    summary:
      'minutes of stock clients that copy in transactions at three brokers that are killed and whose leaders move',
    parts: (units = 10) => [sessions('brokers-with-transactions', runCopySession, { units, minutes: 10 })],
  },
  histories: {
    summary: 'minutes of transactions of stock clients, killed and paused like the broker, whose history is checked',
    parts: (units = 20) => [sessions('histories', runHistorySession, { units, minutes: 1 })],
  },
  properties: {
    summary: 'the property tests beside the code, with other cases for each seed',
    parts: (units = 100) => [propertyTests(units)],
  },
  fuzz: {
    summary: 'invalid input of every kind to a broker and all decoders',
    parts: (units = 10_000_000) =>
      kinds
        .filter(({ share }) => share > 0)
        .map(({ name, share }) => fuzzed(name, Math.ceil((units * share) / 100), 20_000)),
  },
}

/** `chunk` cases at a time on each processor. */
function fuzzed(kind: string, units: number, chunk: number): ProofPart {
  const threads = availableParallelism()
  return {
    name: kind,
    units,
    chunk: chunk * threads,
    async run(first, end, seed) {
      const kindsModule = new URL('../compat-tests/fuzz/kinds.ts', import.meta.url).href
      const starts = Array.from({ length: threads }, (_, i) => first + i * Math.ceil((end - first) / threads))
      const results = await Promise.all(
        starts.map((from, i) => {
          const part = { kind, first: Math.min(from, end), end: Math.min(starts[i + 1] ?? end, end) }
          return runCampaign({ kindsModule, seed, parts: [part] })
        }),
      )
      return results
        .flatMap(({ failures }) => failures)
        .map(
          ({ index, why }) =>
            `${kind} case ${index}: ${why}\n  again: npm run fuzz -- ${kind} --seed ${seed} --case ${index}`,
        )
    },
  }
}

/** Unit n of a proof with seed s is seed s + n of the part. */
function simulated(name: string, units: number): ProofPart {
  return {
    name,
    units,
    chunk: 50 * availableParallelism(),
    async run(first, end, seed) {
      const failed = await runSeeds({ part: name, first: seed + first, end: seed + end })
      return failed.map((each) => `${name} seed ${each.seed}: ${each.why}\n  again: ${again(name, each.seed)}`)
    },
  }
}

function again(part: string, seed: number): string {
  return `npm run simulate -- ${part} --seed ${seed}`
}

/** One seed after the other, in a process of its own. */
function propertyTests(units: number): ProofPart {
  const files = testFilesIn('protocol', 'storage', 'src').filter((file) =>
    readFileSync(file, 'utf8').includes("from 'fast-check'"),
  )
  const args = ['node_modules/mocha/bin/mocha.js', '--exit', '--timeout', '300000', ...files]
  return {
    name: 'seeds',
    units,
    chunk: 1,
    async run(first, _end, seed) {
      const env = { ...process.env, PROPERTY_SEED: `${seed + first}` }
      const { status, stdout, stderr } = spawnSync(process.execPath, args, { env, encoding: 'utf8' })
      const again = `npm run proof -- properties --anew --seed ${seed + first} --units 1`
      return status === 0 ? [] : [`${stdout}${stderr}\n  again: ${again}`]
    },
  }
}

/** What a session of some minutes tells: failures, a line a client, and where its logs are. */
type Session = (options: { readonly seed: number; readonly seconds: number }) => Promise<{
  readonly failures: readonly string[]
  readonly summary: readonly string[]
  readonly directory?: string
}>

/** `minutes` are one session; the first is part of its seed. What goes wrong slowly shows in a long one. */
function sessions(proof: string, session: Session, { units, minutes }: { units: number; minutes: number }): ProofPart {
  return {
    name: 'minutes',
    units,
    chunk: minutes,
    async run(first, end, seed) {
      const { failures, summary, directory } = await session({ seed: seed + first, seconds: (end - first) * 60 })
      for (const line of summary) console.log(line)
      if (failures.length === 0) return []
      const again = `npm run proof -- ${proof} --anew --seed ${seed + first} --units ${end - first}`
      return [...failures, `logs: ${directory}\n  again: ${again}`]
    },
  }
}

/** Unit n of a proof with seed s is the round of seed s + n. */
function copyRounds(units: number): ProofPart {
  return {
    name: 'rounds',
    units,
    chunk: 1,
    async run(first, _end, seed) {
      const { failures, summary } = await runCopyRound(seed + first)
      console.log(summary)
      if (failures.length === 0) return []
      return [
        [...failures, `again: npm run proof -- transactions --anew --seed ${seed + first} --units 1`].join('\n  '),
      ]
    },
  }
}
