import { ByteReader, MalformedError } from '../../../../protocol/byte-reader.ts'
import { ByteWriter, contiguous } from '../../../../protocol/byte-writer.ts'
import { decode, encode } from '../../../../protocol/codegen.ts'
import {
  ConsumerProtocolAssignment,
  type ConsumerProtocolAssignmentValue,
  ConsumerProtocolSubscription,
  type ConsumerProtocolSubscriptionValue,
} from '../../../../protocol/internal-records/consumer-protocol.ts'
import { type ClassicMember, metadataUnder } from './classic-member.ts'

/*
 * What consumers of the classic protocol tell each other: int16 version, then the message in that version. A version
 * that is newer than ours is read as our newest, for later ones only add to the end. Source: ConsumerProtocol.
 */

/** Version of a consumer's subscription or assignment. Throws MalformedError. */
export function consumerProtocolVersion(metadata: Buffer): number {
  const version = new ByteReader(metadata).readInt16()
  if (version < 0) throw new MalformedError(`consumer protocol in version ${version}`)
  return version
}

/** A consumer's subscription, read in at most the given version. Throws MalformedError. */
export function readSubscription(metadata: Buffer, newest = 3): ConsumerProtocolSubscriptionValue {
  const version = Math.min(consumerProtocolVersion(metadata), newest)
  return decode(ConsumerProtocolSubscription, version, new ByteReader(metadata, 2))
}

/** A consumer's assignment. Throws MalformedError. */
export function readAssignment(bytes: Buffer): ConsumerProtocolAssignmentValue {
  return decode(ConsumerProtocolAssignment, Math.min(consumerProtocolVersion(bytes), 3), new ByteReader(bytes, 2))
}

/** An assignment as a consumer of that version reads it. */
export function writeAssignment(assignment: ConsumerProtocolAssignmentValue, version: number): Buffer {
  const known = Math.min(version, 3)
  const writer = new ByteWriter()
  writer.writeInt16(known)
  encode(ConsumerProtocolAssignment, known, assignment, writer)
  return contiguous(writer.finish())
}

/**
 * Topics that consumers subscribe to; undefined where the metadata of one of them cannot be read, or no protocol was
 * chosen yet. Source: ClassicGroup.computeSubscribedTopics.
 */
export function subscribedTopics(
  members: Iterable<ClassicMember>,
  protocolName: string | null,
): ReadonlySet<string> | undefined {
  const topics = new Set<string>()
  for (const member of members) {
    const metadata = metadataUnder(member, protocolName)
    if (metadata === undefined) return undefined
    try {
      // The topics stand first in every version.
      for (const topic of readSubscription(metadata, 0).topics) topics.add(topic)
    } catch (error) {
      // Other clients put what they like into groups of type "consumer".
      if (error instanceof MalformedError) return undefined
      throw error
    }
  }
  return topics
}
