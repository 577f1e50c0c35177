import { encodeControlValue } from '../../protocol/internal-records/control-framing.ts'
import { KRaftVersionRecord, VotersRecord } from '../../protocol/internal-records/control-records.ts'
import { isWildcard, type Listeners } from '../config/listeners.ts'

/** A control record about the quorum, repeated in every snapshot (KIP-853). */
export interface QuorumRecord {
  readonly type: 'KRAFT_VERSION' | 'KRAFT_VOTERS'
  readonly value: Buffer
}

/** The one voter of the quorum: this node. */
export interface QuorumVoter {
  readonly nodeId: number
  /** Uuid of the metadata directory. */
  readonly directoryId: string
  readonly endpoint: VoterEndpoint
}

export interface VoterEndpoint {
  /** Name of the listener. */
  readonly name: string
  readonly host: string
  readonly port: number
}

/** Where other controllers would find this one: its first listener. Undefined: it has none, or a port that may change. */
export function voterEndpoint({ controller, advertisedControllers }: Listeners): VoterEndpoint | undefined {
  const [first] = controller
  if (first === undefined) return undefined
  const { host, port } = advertisedControllers.get(first.name) ?? first
  return port === 0 ? undefined : { name: first.name, host: isWildcard(host) ? 'localhost' : host, port }
}

/** The records that say that voters are in the log, and which. Source: RecordsSnapshotWriter.Builder, KafkaRaftClient. */
export function quorumRecords({ nodeId, directoryId, endpoint }: QuorumVoter): QuorumRecord[] {
  const voter = {
    voterId: nodeId,
    voterDirectoryId: directoryId,
    endpoints: [endpoint],
    kRaftVersionFeature: { minSupportedVersion: 0, maxSupportedVersion: 1 },
  }
  return [
    { type: 'KRAFT_VERSION', value: encodeControlValue(KRaftVersionRecord, { version: 0, kRaftVersion: 1 }) },
    { type: 'KRAFT_VOTERS', value: encodeControlValue(VotersRecord, { version: 0, voters: [voter] }) },
  ]
}
