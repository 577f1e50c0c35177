import type { Host } from '../../storage/host/host.ts'

const FILE_NAME = 'quorum-state'

/** The part of Kafka's quorum-state that a quorum of one needs: who led last, in which epoch, in which form it is kept. */
export interface QuorumState {
  readonly leaderId: number
  readonly leaderEpoch: number
  /** 0: static voters; 1: voters are in the log (KIP-853). */
  readonly dataVersion: number
}

/** Undefined where there is none. A file that is no JSON throws: somebody must look at it. Source: FileQuorumStateStore. */
export function readQuorumState(host: Host, directory: string): QuorumState | undefined {
  const bytes = host.files.readWhole(host.files.join(directory, FILE_NAME))
  if (bytes === undefined || bytes.length === 0) return undefined
  const state = JSON.parse(bytes.toString('utf8')) as Partial<Record<string, unknown>>
  return {
    leaderId: Number(state.leaderId ?? -1),
    leaderEpoch: Number(state.leaderEpoch ?? 0),
    dataVersion: Number(state.data_version ?? 0),
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
