/*
 * Authorized operations as bits by AclOperation code: 3 read, 4 write, 5 create, 6 delete, 7 alter, 8 describe, 9
 * cluster action, 10 describe configs, 11 alter configs, 12 idempotent write. Without an authorizer these are all
 * operations of the resource type. Source: AclEntry.supportedOperations.
 */
function bits(...codes: number[]): number {
  return codes.reduce((all, code) => all | (1 << code), 0)
}

export const allTopicOperations = bits(3, 4, 5, 6, 7, 8, 10, 11)
export const allClusterOperations = bits(5, 7, 8, 9, 10, 11, 12)
/** The client did not ask for them. */
export const operationsNotAsked = -2147483648
