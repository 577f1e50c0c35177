import type { Host } from '../../storage/host/host.ts'

const FILE_NAME = 'quorum-state'

/** The part of Kafka's quorum-state that a quorum of one needs: last leader, its epoch, format version. */
export interface QuorumState {
  readonly leaderId: number
  readonly leaderEpoch: number
  /** 0: static voters; 1: voters are in the log (KIP-853). */
  readonly dataVersion: number
}

/** Largest epoch that has a successor. */
const LARGEST_EPOCH = 2 ** 31 - 2

/** Undefined if the file is missing; 'damaged' if it cannot be parsed. Source: FileQuorumStateStore. */
export function readQuorumState(host: Host, directory: string): QuorumState | 'damaged' | undefined {
  const bytes = host.files.readWhole(host.files.join(directory, FILE_NAME))
  if (bytes === undefined) return undefined
  const state = parsed(bytes)
  const [leaderId, leaderEpoch, dataVersion] = [
    state?.leaderId ?? -1,
    state?.leaderEpoch ?? 0,
    state?.data_version ?? 0,
  ]
  const isSound =
    state !== undefined &&
    [leaderId, leaderEpoch, dataVersion].every((each) => Number.isInteger(each)) &&
    (leaderEpoch as number) >= 0 &&
    (leaderEpoch as number) <= LARGEST_EPOCH
  return isSound
    ? { leaderId: leaderId as number, leaderEpoch: leaderEpoch as number, dataVersion: dataVersion as number }
    : 'damaged'
}

function parsed(bytes: Buffer): Partial<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'))
    return typeof value === 'object' && value !== null ? (value as Partial<Record<string, unknown>>) : undefined
  } catch {
    return undefined
  }
}

export function writeQuorumState(host: Host, directory: string, state: QuorumState): void {
  const { leaderId, leaderEpoch } = state
  const content =
    state.dataVersion === 0
      ? {
          clusterId: '',
          leaderId,
          leaderEpoch,
          votedId: -1,
          appliedOffset: 0,
          currentVoters: [{ voterId: leaderId }],
          data_version: 0,
        }
      : { leaderId, leaderEpoch, votedId: -1, votedDirectoryId: 'AAAAAAAAAAAAAAAAAAAAAA', data_version: 1 }
  host.files.replaceWhole(host.files.join(directory, FILE_NAME), JSON.stringify(content))
}
