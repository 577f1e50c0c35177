import { performance } from 'node:perf_hooks'
import { RawClient } from '../../compat-tests/raw-client.ts'
import type { TestBroker } from '../../compat-tests/test-broker.ts'
import { CreateTopics } from '../../protocol/apis/create-topics.ts'
import { FindCoordinator } from '../../protocol/apis/find-coordinator.ts'
import { Heartbeat } from '../../protocol/apis/heartbeat.ts'
import { OffsetCommit } from '../../protocol/apis/offset-commit.ts'
import { OffsetFetch } from '../../protocol/apis/offset-fetch.ts'
import { BenchMember } from './bench-member.ts'
import { cpuSeconds, residentMb } from './measured-process.ts'
import type { Figure, Section } from './section.ts'

/** Enough for both brokers to have compiled hot code. */
const WARM_UP_ROUNDS = 10
const ROUNDS = 10
const CONNECTIONS = 20
const PARTITIONS = 100
const TOPIC = 'group-bench'

/** One large group: one member triggers a rebalance and all rejoin; the mean of some rounds. */
export const fullRebalance: Section = {
  name: 'groups: full rebalance',
  runs: 2,
  cold: true,
  run: (contender, { quick }) =>
    withGroups(contender.start, async (broker) => {
      const count = quick ? 200 : 1000
      const members = await BenchMember.connectAll(broker.port, count, () => 'big')
      try {
        await settled(members)
        for (let round = 0; round < WARM_UP_ROUNDS; round++) await rebalance(members)
        const cpu = cpuSeconds(broker.pid)
        const startedMs = performance.now()
        for (let round = 0; round < ROUNDS; round++) await rebalance(members)
        const tookMs = (performance.now() - startedMs) / ROUNDS
        const cpuMs = (1000 * (cpuSeconds(broker.pid) - cpu)) / ROUNDS
        return [
          { name: `${count} members`, unit: 'ms', value: tookMs, best: 'lowest' },
          { name: 'CPU', unit: 'ms', value: cpuMs, best: 'lowest' },
          { name: 'memory', unit: 'MB', value: residentMb(broker.pid), best: 'lowest' },
        ]
      } finally {
        for (const member of members) member.close()
      }
    }),
}

async function rebalance(members: readonly BenchMember[]): Promise<void> {
  members.find(({ isLeader }) => isLeader)!.rejoin()
  await settled(members)
}

/** Waits until all members have an assignment in the same generation. */
async function settled(members: readonly BenchMember[]): Promise<void> {
  for (;;) {
    await Promise.all(members.map((member) => member.step()))
    const [first] = members
    if (members.every(({ generationId, isSettled }) => isSettled && generationId === first!.generationId)) return
  }
}

/** Many groups with one member each that only sends heartbeats. */
export const heartbeats: Section = {
  name: 'groups: heartbeats',
  cold: true,
  runs: 2,
  run: (contender, { quick }) =>
    withGroups(contender.start, async (broker) => {
      const groups = quick ? 100 : 1000
      const members = await BenchMember.connectAll(broker.port, groups, (i) => `group-${i}`)
      for (const member of members) while (!member.isSettled) await member.step()
      const rounds = quick ? 20 : 40
      const beats = await measured(broker, groups * rounds, 'heartbeat', async () => {
        const each = async (member: BenchMember) => {
          for (let round = 0; round < rounds; round++) await member.beat()
        }
        await Promise.all(members.map(each))
      })
      for (const member of members) member.close()
      return [...beats, { name: `memory, ${groups} groups`, unit: 'MB', value: residentMb(broker.pid), best: 'lowest' }]
    }),
}

/** Commits of one offset each, then many offsets that a restarted broker has to load. */
export const committedOffsets: Section = {
  name: 'groups: offsets',
  cold: true,
  runs: 2,
  run: (contender, { quick }) =>
    withGroups(contender.start, async (broker) => {
      const groups = quick ? 100 : 1000
      const commits = await measured(broker, groups * 20, 'commit', () => commitAll(broker.port, groups * 20, 1))
      await commitAll(broker.port, groups, PARTITIONS)
      const memory = residentMb(broker.pid)
      await broker.stop()
      const startedMs = performance.now()
      await broker.restart()
      await knownAgain(broker.port)
      const count = groups * PARTITIONS
      return [
        ...commits,
        { name: `memory, ${count} offsets`, unit: 'MB', value: memory, best: 'lowest' },
        {
          name: 'known after a restart',
          unit: 'ms',
          value: performance.now() - startedMs,
          best: 'lowest',
        },
      ]
    }),
}

async function commitAll(port: number, requests: number, partitions: number): Promise<void> {
  const clients = await Promise.all(Array.from({ length: CONNECTIONS }, () => RawClient.connect(port)))
  const offsets = Array.from({ length: partitions }, (_, partitionIndex) => ({
    partitionIndex,
    committedOffset: 42,
    committedMetadata: '',
  }))
  let next = 0
  const work = async (client: RawClient) => {
    while (next < requests) {
      const groupId = `offsets-${next++ % 1000}`
      const topics = [{ name: TOPIC, partitions: offsets }]
      const { topics: answered } = await client.send(OffsetCommit, 8, { groupId, memberId: '', topics } as never)
      const code = answered[0]?.partitions[0]?.errorCode
      if (code !== 0) throw new Error(`a commit was answered with ${code}`)
    }
  }
  await Promise.all(clients.map(work))
  for (const client of clients) client.close()
}

async function knownAgain(port: number): Promise<void> {
  const client = await RawClient.connect(port)
  for (;;) {
    const groups = [{ groupId: 'offsets-1', topics: null }]
    const { groups: fetched } = await client.send(OffsetFetch, 8, { groups, requireStable: false } as never)
    if (fetched[0]?.errorCode === 0 && fetched[0].topics.length > 0) return client.close()
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

async function measured(
  broker: TestBroker,
  requests: number,
  what: string,
  work: () => Promise<void>,
): Promise<Figure[]> {
  const cpu = cpuSeconds(broker.pid)
  const startedMs = performance.now()
  await work()
  const seconds = (performance.now() - startedMs) / 1000
  return [
    { name: `${what}s a second`, unit: '1/s', value: requests / seconds, best: 'highest' },
    { name: `CPU a ${what}`, unit: 'us', value: ((cpuSeconds(broker.pid) - cpu) / requests) * 1e6, best: 'lowest' },
  ]
}

/** Starts a new broker and waits for its group coordinator. */
async function withGroups(start: () => Promise<TestBroker>, run: (broker: TestBroker) => Promise<Figure[]>) {
  const broker = await start()
  try {
    const client = await RawClient.connect(broker.port)
    const topic = { name: TOPIC, numPartitions: PARTITIONS, replicationFactor: 1, assignments: [], configs: [] }
    await client.send(CreateTopics, 5, { topics: [topic], timeoutMs: 10_000, validateOnly: false })
    for (let code = -1; code !== 25; ) {
      await client.send(FindCoordinator, 1, { key: 'g', keyType: 0 } as never)
      code = (await client.send(Heartbeat, 0, { groupId: 'g', generationId: 0, memberId: 'x' })).errorCode
      if (code !== 25) await new Promise((resolve) => setTimeout(resolve, 50))
    }
    client.close()
    return await run(broker)
  } finally {
    await broker.dispose()
  }
}
