import type { RequestContext } from './handler.ts'

/** Code of what Kafka calls UNKNOWN, of resource types, pattern types, operations and permissions alike. */
const UNKNOWN = 0

/**
 * True where one of the codes is that of UNKNOWN: the request cannot be read, which ends the connection. A code that
 * Kafka has no word for passes. Source: DescribeAclsRequest, CreateAclsRequest, DeleteAclsRequest.
 */
export function isUnreadable(api: string, codes: readonly number[], context: RequestContext): boolean {
  const found = codes.includes(UNKNOWN)
  if (found) context.closeConnection(`${api} contains an element that is UNKNOWN`)
  return found
}
