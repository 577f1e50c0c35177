import { check } from './storage-model.ts'

/** Offsets by partition. */
export type KnownOffsets = ReadonlyMap<number, number>

/**
 * A life of a group. As in Kafka, a group without members that the other protocol asks for is replaced by a new one,
 * whose generations begin again. Source: maybeDeleteEmptyConsumerGroup, maybeDeleteEmptyClassicGroup.
 */
interface Life {
  /** The largest generation in which a member had its assignment. */
  generation: number
}

/** What a member knew of its group when it asked. */
export interface KnownLife {
  readonly life: Life
  readonly generation: number
}

export interface Commit {
  readonly groupId: string
  /** Life of the group when the member joined it. */
  readonly life: Life
  readonly generation: number
  readonly partition: number
  readonly memberId: string
  readonly offset: number
}

/** What the members of all groups know of generations and committed offsets, to check that it is consistent. */
export class GroupLedger {
  /** Number of acknowledged commits. */
  commits = 0
  readonly #mayBeReplaced: (groupId: string) => boolean
  /** The newest life of each group. */
  readonly #lives = new Map<string, Life>()
  /** By group and partition: the largest offset that was acknowledged or fetched. */
  readonly #atLeast = new Map<string, Map<number, number>>()
  /** By group and partition: the largest offset that was sent. */
  readonly #atMost = new Map<string, Map<number, number>>()
  /** Committing member by generation and partition. */
  readonly #committers = new Map<Life, Map<string, string>>()

  /** mayBeReplaced: whether members of both protocols ask for the group. */
  constructor(mayBeReplaced: (groupId: string) => boolean) {
    this.#mayBeReplaced = mayBeReplaced
  }

  /** The newest life of a group, for a request that is sent now. */
  known(groupId: string): KnownLife {
    const life = this.#lives.get(groupId) ?? { generation: -1 }
    this.#lives.set(groupId, life)
    return { life, generation: life.generation }
  }

  /** A member joined; known: when it asked. Returns the life that it joined. */
  joined(groupId: string, generation: number, known: KnownLife): Life {
    if (generation >= known.generation) return known.life
    const place = `${groupId}: generation ${known.generation} was known`
    check(this.#mayBeReplaced(groupId), `${place}, and a member joins in ${generation}`)
    // Another member may have noticed it first.
    if (this.#lives.get(groupId) === known.life) this.#lives.set(groupId, { generation: -1 })
    return this.#lives.get(groupId)!
  }

  /** A member has its assignment in a generation. */
  assigned(life: Life, generation: number): void {
    life.generation = Math.max(life.generation, generation)
  }

  /** A member sends a commit, which may happen from now on. */
  sent({ groupId, partition, offset }: Commit): void {
    raise(this.#atMost, groupId, partition, offset)
  }

  /**
   * A commit was acknowledged: nobody else may commit for that partition in this generation, and it is never lost.
   * known: when it was sent.
   */
  committed({ groupId, life, generation, partition, memberId, offset }: Commit, known: KnownLife): void {
    this.commits++
    const place = `${groupId}, generation ${generation}, partition ${partition}`
    check(life === known.life, `${place}: ${memberId} commits, and its group was replaced`)
    const committers = this.#committers.get(life) ?? new Map<string, string>()
    this.#committers.set(life, committers)
    const before = committers.get(`${generation} ${partition}`) ?? memberId
    check(before === memberId, `${place}: ${before} and ${memberId} both commit`)
    committers.set(`${generation} ${partition}`, memberId)
    raise(this.#atLeast, groupId, partition, offset)
  }

  /** Offsets that a fetch sent from now on must not fall short of. */
  knownOffsets(groupId: string): KnownOffsets {
    return new Map(this.#atLeast.get(groupId))
  }

  /** An offset was fetched; known: when the request was sent. */
  fetched(groupId: string, partition: number, offset: number, known: KnownOffsets): void {
    const least = known.get(partition) ?? -1
    const most = this.#atMost.get(groupId)?.get(partition) ?? -1
    check(offset >= least, `${groupId}, partition ${partition}: ${least} was known, and now it is ${offset}`)
    check(offset <= most, `${groupId}, partition ${partition}: ${most} was sent, and now it is ${offset}`)
    raise(this.#atLeast, groupId, partition, offset)
  }
}

function raise(offsets: Map<string, Map<number, number>>, groupId: string, partition: number, offset: number): void {
  const ofGroup = offsets.get(groupId) ?? new Map<number, number>()
  offsets.set(groupId, ofGroup)
  ofGroup.set(partition, Math.max(offset, ofGroup.get(partition) ?? -1))
}
