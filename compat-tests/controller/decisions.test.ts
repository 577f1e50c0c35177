import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { expect } from 'chai'
import { isRejection, type Rejection } from '../../protocol/error-codes.ts'
import { kafkaClassPath } from '../../scripts/kafka-tool.ts'
import { shutDownBroker, unregisterBroker } from '../../src/metadata/broker-changes.ts'
import { ClusterUnderTest, registering } from '../../src/metadata/cluster.fixture.ts'
import { MIGRATING_DIRECTORY } from '../../src/metadata/directory-assignments.ts'
import { clearElrRecords, configRecord } from '../../src/metadata/image-records.ts'
import { balanceLeaders, decideElection, electUncleanLeaders } from '../../src/metadata/leader-elections.ts'
import { configResourceType } from '../../src/metadata/metadata-image.ts'
import { directoryOfBroker } from '../../src/metadata/partition.fixture.ts'
import { decideReassignment } from '../../src/metadata/reassignments.ts'
import { placeReplicas } from '../../src/metadata/replica-placement.ts'
import { decideNewTopic } from '../../src/metadata/topic-changes.ts'
import { SeededRandom } from '../../storage/host/seeded-random.ts'
import { javaProgram } from '../java-program.ts'
import { needs } from '../requirements.ts'

const BROKERS = 5
const SEEDS = Number(process.env.CONTROLLER_SEEDS ?? 60)
const STEPS = 80
/** Metadata version and level of eligible leader replicas. */
const levels = [
  [33, 1],
  [33, 0],
  [20, 0],
  [11, 0],
] as const

describe('decisions of the controller, against those of Apache Kafka 4.4.0', function () {
  this.timeout(240_000)
  needs('java', 'maven')
  let program: string[]

  before(async () => {
    const classPath = await kafkaClassPath('4.4.0')
    program = await javaProgram(join(import.meta.dirname, 'ControllerDecisions.java'), classPath)
    program.splice(-1, 1, 'org.apache.kafka.controller.ControllerDecisions')
  })

  for (const [metadataVersion, elr] of levels) {
    it(`${SEEDS} random histories with metadata.version ${metadataVersion}${elr === 1 ? ' and ELR' : ''}`, async () => {
      const histories = Array.from({ length: SEEDS }, (_, seed) => new History(seed, metadataVersion, elr))
      const all = histories.flatMap(({ lines, seed }) => lines.map((line) => ({ ...line, seed })))
      const answers = await run(program, all.map(({ command }) => command).join('\n'))
      expect(answers.length).to.equal(all.length)
      for (const [index, { command, expected, seed }] of all.entries()) {
        if (expected === undefined || answers[index] === expected) continue
        const before = all.slice(Math.max(0, index - 5), index).map((line) => `${line.command}\n      ${line.expected}`)
        expect(answers[index], `seed ${seed}, ${command}, after\n${before.join('\n')}`).to.equal(expected)
      }
    })
  }

  it('the placement of replicas in racks', async () => {
    const lines = [{ command: 'cluster 33 1', expected: 'NONE | ' }]
    const random = new SeededRandom(1)
    while (lines.length < 1000) {
      const racks = random.pick([['-'], ['a', 'b'], ['-', 'a', 'b'], ['a', 'b', 'c']])
      const brokers = Array.from({ length: random.below(7) }, (_, index) => ({
        nodeId: 1 + index * random.pick([1, 1, 3]),
        epoch: 1,
        rack: random.pick(racks.map((rack) => (rack === '-' ? null : rack))),
        fenced: random.below(4) === 0,
        directories: [],
        endpoints: new Map(),
      })).filter(({ nodeId }, index, all) => all.findIndex((other) => other.nodeId === nodeId) === index)
      const [start, partitionCount, replicationFactor] = [random.below(7), 1 + random.below(12), 1 + random.below(4)]
      const placed = placeReplicas(brokers, { partitionCount, replicationFactor, random: (bound) => start % bound })
      const answer = isRejection(placed) ? `${placed.error} ${placed.message!.replace(/^.*?: /, '')}` : placed.join(';')
      const listed = brokers.map(({ nodeId, rack, fenced }) => ` ${nodeId}:${rack ?? '-'}:${fenced}`)
      const command = `place ${start} ${partitionCount} ${replicationFactor}${listed.join('')}`
      lines.push({ command, expected: `${answer} | ` })
    }
    const answers = await run(program, lines.map(({ command }) => command).join('\n'))
    for (const [index, { command, expected }] of lines.entries()) expect(answers[index], command).to.equal(expected)
  })
})

function run([command, ...parameters]: string[], input: string): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const child = spawn(command!, parameters, { stdio: ['pipe', 'pipe', 'pipe'] })
    let output = ''
    let errors = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      errors += text
    })
    child.on('error', reject)
    child.on('close', (code) => (code === 0 ? resolve(output.split('\n').slice(0, -1)) : reject(new Error(errors))))
    child.stdin.end(input)
  })
}

interface Line {
  readonly command: string
  /** Answer and state after it; undefined if Kafka needs more commands for the same change. */
  readonly expected: string | undefined
}

/** Random commands for one cluster, with the answers and states that our decisions lead to. */
class History {
  readonly seed: number
  readonly lines: Line[] = []
  readonly #cluster: ClusterUnderTest
  readonly #topics: string[] = []
  readonly #random: SeededRandom
  #incarnations = 0

  constructor(seed: number, metadataVersion: number, elr: number) {
    this.seed = seed
    this.#random = new SeededRandom(seed + 1)
    this.#cluster = new ClusterUnderTest(
      0,
      new Map([
        ['metadata.version', metadataVersion],
        ['eligible.leader.replicas.version', elr],
      ]),
    )
    this.#note(`cluster ${metadataVersion} ${elr}`)
    for (let nodeId = 1; nodeId <= BROKERS; nodeId++) this.#register(nodeId, 'clean')
    for (let nodeId = 1; nodeId <= BROKERS; nodeId++) if (this.#below(4) > 0) this.#unfence(nodeId)
    // Some are refused: all their brokers may be fenced.
    for (let topic = 0; topic < 5; topic++) this.#createTopic(`t${topic}`)
    if (this.#topics.length > 0) for (let step = 0; step < STEPS; step++) this.#step()
  }

  #below(bound: number): number {
    return this.#random.below(bound)
  }

  #pick<T>(all: readonly T[]): T {
    return this.#random.pick(all)
  }

  #note(command: string, answer = 'NONE'): void {
    this.lines.push({ command, expected: `${answer} | ${this.#state()}` })
  }

  #state(): string {
    const brokers = [...this.#cluster.image.registrations.values()]
      .sort((a, b) => a.nodeId - b.nodeId)
      .map((each) => `${each.nodeId}${each.fenced ? ' fenced' : ''}${each.inControlledShutdown ? ' stopping' : ''}`)
    const partitions = this.#topics.flatMap((topic) =>
      this.#cluster.image.topicsByName.get(topic)!.partitions.map(({ replicas, directories }, index) => {
        const known = replicas.map((_, replica) => directories[replica] ?? MIGRATING_DIRECTORY)
        return `${topic}-${index} ${this.#cluster.show(topic, index)} in ${known}`
      }),
    )
    return [...brokers, ...partitions].join('; ')
  }

  #step(): void {
    const nodeId = 1 + this.#below(BROKERS)
    const broker = this.#cluster.image.registrations.get(nodeId)
    const kind = this.#below(16)
    if (kind < 6) {
      if (broker === undefined) this.#register(nodeId, 'unclean')
      else if (broker.fenced)
        this.#pick([this.#unfence, this.#unfence, this.#restart, this.#unregister]).call(this, nodeId)
      else this.#pick([this.#fence, this.#fence, this.#shutDown, this.#restart]).call(this, nodeId)
    } else if (kind < 9) this.#catchUp()
    else if (kind < 11) this.#elect()
    else if (kind < 14) this.#reassign()
    else this.#pick([this.#balance, this.#electUnclean, this.#configure]).call(this)
  }

  #restart(nodeId: number): void {
    this.#register(nodeId, this.#pick(['clean', 'unclean']))
  }

  #register(nodeId: number, lastStop: 'clean' | 'unclean'): void {
    const incarnationId = `incarnation${String(++this.#incarnations).padStart(10, '0')}A`
    this.#cluster.register(registering(nodeId, { fenced: true, lastStop, incarnationId }))
    this.#note(`register ${nodeId} ${incarnationId} ${directoryOfBroker(nodeId)} ${lastStop}`)
  }

  #unfence(nodeId: number): void {
    this.#cluster.unfence(nodeId)
    this.#note(`unfence ${nodeId}`)
  }

  #fence(nodeId: number): void {
    this.#cluster.fence(nodeId)
    this.#note(`fence ${nodeId}`)
  }

  #shutDown(nodeId: number): void {
    this.#cluster.play((image) => shutDownBroker(image, nodeId, this.#cluster.settings))
    this.#note(`shutdown ${nodeId}`)
  }

  #unregister(nodeId: number): void {
    this.#cluster.play((image) => unregisterBroker(image, nodeId, this.#cluster.settings))
    this.#note(`unregister ${nodeId}`)
  }

  #createTopic(name: string): void {
    const replicationFactor = 1 + this.#below(3)
    const assignments = new Map([0, 1].map((index) => [index, this.#nodes(replicationFactor, BROKERS)]))
    const minIsr = String(1 + this.#below(3))
    const unclean = String(this.#below(4) === 0)
    const configs = new Map([
      ['min.insync.replicas', minIsr],
      ['unclean.leader.election.enable', unclean],
    ])
    const wish = { name, partitionCount: -1, replicationFactor: -1, assignments, configs, validateOnly: false }
    const decision = decideNewTopic(this.#cluster.image, wish, this.#cluster.settings)
    if (!isRejection(decision)) {
      this.#cluster.replay(decision.records)
      this.#topics.push(name)
    }
    const replicas = [...assignments.values()].join(';')
    this.#note(`topic ${name} ${minIsr} ${unclean} ${replicas}`, answerOf(decision))
  }

  /** Different brokers of the first ones. */
  #nodes(count: number, brokers: number): number[] {
    const all = Array.from({ length: brokers }, (_, index) => index + 1)
    return Array.from({ length: count }, () => all.splice(this.#below(all.length), 1)[0]!)
  }

  #configure(): void {
    const topic = this.#pick(this.#topics)
    const [name, value] = this.#pick([
      ['min.insync.replicas', String(1 + this.#below(3))],
      ['unclean.leader.election.enable', this.#pick(['true', 'false', 'false'])],
    ] as const)
    const { image, settings } = this.#cluster
    const current =
      name === 'min.insync.replicas' ? settings.minInsyncReplicas(topic) : settings.allowsUncleanElection(topic)
    if (String(current) === value) return
    // Kafka forgets to clear its index of eligible leaders, and later decides about these partitions twice.
    if (image.topicsByName.get(topic)!.partitions.some((each) => each.eligibleLeaderReplicas.length > 0)) return
    const resource = { resourceType: configResourceType.topic, resourceName: topic, name }
    this.#cluster.replay([
      configRecord(resource.resourceType, topic, name, value),
      ...clearElrRecords([resource], image.features),
    ])
    this.#note(`config ${topic} ${name} ${value}`)
  }

  /** Kafka's leaders ask for each partition. A reassignment away from dead brokers completes only here: leave it out. */
  #catchUp(): void {
    const { image } = this.#cluster
    const isLive = (node: number) => {
      const broker = image.registrations.get(node)
      return broker !== undefined && !broker.fenced && !broker.inControlledShutdown
    }
    const partitions = this.#topics.flatMap((topic) =>
      image.topicsByName.get(topic)!.partitions.map((partition, index) => ({ topic, index, partition })),
    )
    if (partitions.some(({ partition }) => partition.leader === -1 && partition.addingReplicas.some(isLive))) return
    const commands = partitions.flatMap(({ topic, index, partition: { leader, isr, replicas } }) => {
      const returning = leader === -1 ? [] : replicas.filter((node) => isLive(node) && !isr.includes(node))
      return returning.length === 0 ? [] : [`isr ${topic} ${index} ${[...isr, ...returning].sort((a, b) => a - b)}`]
    })
    this.#cluster.catchUp()
    const last = commands.pop()
    if (last === undefined) return
    this.lines.push(...commands.map((command) => ({ command, expected: undefined })))
    this.#note(last)
  }

  #elect(): void {
    const [topic, partition] = [
      this.#pick([...this.#topics, ...this.#topics, 'none']),
      this.#below(20) === 0 ? 9 : this.#below(2),
    ]
    const election = this.#pick(['preferred', 'unclean'] as const)
    const decision = decideElection(this.#cluster.image, { topic, partition, election }, this.#cluster.settings)
    if (!isRejection(decision)) this.#cluster.replay([decision])
    this.#note(`elect ${election} ${topic} ${partition}`, answerOf(decision))
  }

  #reassign(): void {
    const [topic, partition] = [
      this.#pick([...this.#topics, ...this.#topics, 'none']),
      this.#below(20) === 0 ? 9 : this.#below(2),
    ]
    const some = this.#nodes(
      this.#below(12) === 0 ? 0 : 1 + this.#below(3),
      this.#below(8) === 0 ? BROKERS + 1 : BROKERS,
    )
    const replicas = this.#below(4) === 0 ? null : this.#below(15) === 0 ? [...some, ...some] : some
    const mayChangeReplicationFactor = this.#below(3) > 0
    const { image, settings: rules } = this.#cluster
    // A replica that was removed stays eligible. Kafka fails when it is added again: it is not assigned yet.
    const { eligibleLeaderReplicas = [], replicas: current = [] } =
      image.topicsByName.get(topic)?.partitions[partition] ?? {}
    if (replicas?.some((node) => eligibleLeaderReplicas.includes(node) && !current.includes(node)) === true) return
    const decision = decideReassignment(image, { topic, partition, replicas }, { rules, mayChangeReplicationFactor })
    if (decision !== undefined && !isRejection(decision)) this.#cluster.replay([decision])
    const target = replicas === null ? 'null' : replicas.length === 0 ? 'none' : String(replicas)
    this.#note(`reassign ${topic} ${partition} ${target} ${mayChangeReplicationFactor}`, answerOf(decision))
  }

  #balance(): void {
    this.#cluster.play((image) => balanceLeaders(image, this.#cluster.settings))
    this.#note('balance')
  }

  #electUnclean(): void {
    this.#cluster.play((image) => electUncleanLeaders(image, this.#cluster.settings))
    this.#note('unclean')
  }
}

function answerOf(decision: object | Rejection | undefined): string {
  return decision !== undefined && isRejection(decision) ? `${decision.error} ${decision.message}` : 'NONE null'
}
