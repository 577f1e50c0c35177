import { isRejection, type Rejection, reject } from '../../protocol/error-codes.ts'
import type { Host } from '../../storage/host/host.ts'
import type { Logger } from '../observe/logger.ts'
import type { ClusterImage } from './cluster-image.ts'
import { balanceLeaders, decideElection, decideLeader, electUncleanLeaders } from './leader-elections.ts'
import type {
  AskedElections,
  AskedLeader,
  AskedReassignment,
  ChangeOptions,
  ReassignmentOptions,
  TopicElections,
} from './metadata-store.ts'
import {
  inOneStep,
  MAX_RECORDS_PER_CHANGE,
  type MetadataDecision,
  type MetadataWriter,
  NotWritten,
} from './metadata-writer.ts'
import { changeInParts } from './partition-changes.ts'
import { decideReassignment } from './reassignments.ts'
import { changeEach, notWritten, tooManyRecords } from './separate-decisions.ts'
import type { TopicRules } from './topic-changes.ts'

export interface ReplicationChangesParts {
  readonly host: Host
  readonly logger: Logger
  readonly writer: Pick<MetadataWriter, 'change'>
  /** Throws before the metadata store is started. */
  readonly rules: () => TopicRules
}

/** Changes of leaders and replicas that clients ask for, or that the controller makes from time to time. */
export class ReplicationChanges {
  readonly #parts: ReplicationChangesParts
  readonly #catchUpSoon: () => void

  constructor(parts: ReplicationChangesParts, catchUpSoon: () => void) {
    this.#parts = parts
    this.#catchUpSoon = catchUpSoon
  }

  async electLeaders(asked: AskedElections, options: ChangeOptions): Promise<readonly TopicElections[] | Rejection> {
    const { writer, logger } = this.#parts
    const rules = this.#parts.rules()
    try {
      const answer = await writer.change((image) => decideElections(image, asked, rules), options)
      this.#catchUpSoon()
      return answer
    } catch (error) {
      if (error instanceof NotWritten) return notWritten(logger, error)
      throw error
    }
  }

  async moveLeader(asked: AskedLeader, options: ChangeOptions): Promise<Rejection | undefined> {
    const { writer, logger } = this.#parts
    const decide = (image: ClusterImage): MetadataDecision<Rejection | undefined> => {
      const record = decideLeader(image, asked)
      return isRejection(record) ? { records: [], result: record } : { records: [record], result: undefined }
    }
    try {
      return await writer.change(inOneStep(decide), options)
    } catch (error) {
      if (error instanceof NotWritten) return notWritten(logger, error)
      throw error
    }
  }

  async alterPartitionReassignments(
    asked: readonly AskedReassignment[],
    options: ReassignmentOptions,
  ): Promise<readonly (Rejection | undefined)[]> {
    const rules = this.#parts.rules()
    const { mayChangeReplicationFactor } = options
    const decide = function* (image: ClusterImage) {
      const decisions: (MetadataDecision<undefined> | Rejection)[] = []
      let count = 0
      for (const each of asked) {
        const record = decideReassignment(image, each, { rules, mayChangeReplicationFactor })
        if (isRejection(record)) decisions.push(record)
        // Kafka's list of records throws when it is full, for each partition that does not fit.
        else if (record !== undefined && ++count > MAX_RECORDS_PER_CHANGE)
          decisions.push(reject('UNKNOWN_SERVER_ERROR', null))
        else decisions.push({ records: record === undefined ? [] : [record], result: undefined })
        yield
      }
      return decisions
    }
    const answers = await changeEach(this.#parts, decide, options)
    this.#catchUpSoon()
    return answers
  }

  balanceLeaders(options: ChangeOptions): Promise<void> {
    return changeInParts(this.#parts, balanceLeaders, options)
  }

  async electUncleanLeaders(options: ChangeOptions): Promise<void> {
    await changeInParts(this.#parts, electUncleanLeaders, options)
    this.#catchUpSoon()
  }
}

/** All elections, or one refusal if they need too many records. Of all topics, only what needs an election is listed. */
function* decideElections(
  image: ClusterImage,
  { election, topics }: AskedElections,
  rules: TopicRules,
): Generator<void, MetadataDecision<readonly TopicElections[] | Rejection>> {
  const records: Buffer[] = []
  const result: TopicElections[] = []
  for (const { topic, partitions } of topics ?? allPartitions(image)) {
    const elections: { partition: number; refusal: Rejection | undefined }[] = []
    for (const partition of partitions) {
      const decision = decideElection(image, { topic, partition, election }, rules)
      const refusal = isRejection(decision) ? decision : undefined
      if (!isRejection(decision)) records.push(decision)
      if (topics !== null || refusal?.error !== 'ELECTION_NOT_NEEDED') elections.push({ partition, refusal })
      yield
    }
    if (records.length > MAX_RECORDS_PER_CHANGE) return { records: [], result: tooManyRecords }
    result.push({ topic, partitions: elections })
    yield
  }
  return { records, result }
}

function* allPartitions({ topicsByName }: ClusterImage) {
  for (const { name, partitions } of topicsByName.values()) yield { topic: name, partitions: partitions.keys() }
}
