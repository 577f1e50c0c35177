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

/**
 * Embedded consumer protocol of classic groups: int16 version, then the message in that version. A newer version is
 * read as the newest known one, because later versions only add fields at the end. Source: ConsumerProtocol.
 */

/** Version of a consumer's subscription or assignment. Throws MalformedError. */
export function consumerProtocolVersion(metadata: Buffer): number {
  const version = new ByteReader(metadata).readInt16()
  if (version < 0) throw new MalformedError(`consumer protocol in version ${version}`)
  return version
}

/** Decodes a consumer's subscription in at most the given version. Throws MalformedError. */
export function readSubscription(metadata: Buffer, newest = 3): ConsumerProtocolSubscriptionValue {
  const version = Math.min(consumerProtocolVersion(metadata), newest)
  return decode(ConsumerProtocolSubscription, version, new ByteReader(metadata, 2))
}

/** Decodes a consumer's assignment. Throws MalformedError. */
export function readAssignment(bytes: Buffer): ConsumerProtocolAssignmentValue {
  return decode(ConsumerProtocolAssignment, Math.min(consumerProtocolVersion(bytes), 3), new ByteReader(bytes, 2))
}

/** Encodes an assignment for a consumer with that protocol version. */
export function writeAssignment(assignment: ConsumerProtocolAssignmentValue, version: number): Buffer {
  const known = Math.min(version, 3)
  const writer = new ByteWriter()
  writer.writeInt16(known)
  encode(ConsumerProtocolAssignment, known, assignment, writer)
  return contiguous(writer.finish())
}

/**
 * Topics that consumers subscribe to; undefined if a member's metadata cannot be read or no protocol is chosen yet.
 * Source: ClassicGroup.computeSubscribedTopics.
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
      // Topics come first in every version.
      for (const topic of readSubscription(metadata, 0).topics) topics.add(topic)
    } catch (error) {
      // Other clients may put any metadata into groups of type "consumer".
      if (error instanceof MalformedError) return undefined
      throw error
    }
  }
  return topics
}
