import type { RequestContext } from './handler.ts'

/** Code UNKNOWN in Kafka's enums of resource types, pattern types, operations and permissions. */
const UNKNOWN = 0

/**
 * True if one of the codes is UNKNOWN. Kafka cannot parse such a request, so the connection is closed. Codes that Kafka
 * does not define are accepted. Source: DescribeAclsRequest, CreateAclsRequest, DeleteAclsRequest.
 */
export function isUnreadable(api: string, codes: readonly number[], context: RequestContext): boolean {
  const found = codes.includes(UNKNOWN)
  if (found) context.closeConnection(`${api} contains an element that is UNKNOWN`)
  return found
}
