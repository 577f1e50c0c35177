import { type AuthId, providerOf } from './authentication.ts'
import type { ErrorName } from './error-codes.ts'
import type { Acl } from './node-store.ts'

/** An entry as it came from the wire. */
export interface WireAcl {
  readonly perms: number
  readonly scheme: string | null
  readonly id: string | null
}

/** Whether a connection may do what any of the permissions allows. Source: PrepRequestProcessor.checkACL. */
export function isAllowed(acl: readonly Acl[], permissions: number, ids: readonly AuthId[]): boolean {
  if (acl.length === 0) return true
  return acl.some((entry) => (entry.perms & permissions) !== 0 && isMeant(entry, ids))
}

function isMeant({ scheme, id }: Acl, ids: readonly AuthId[]): boolean {
  if (scheme === 'world' && id === 'anyone') return true
  const provider = providerOf(scheme)
  return provider !== undefined && ids.some((own) => own.scheme === scheme && provider.matches(own.id, id))
}

/**
 * The list that a client gives a node, without duplicates, with the client's own ids in place of scheme 'auth'. null: the
 * request had no list. Source: PrepRequestProcessor.fixupACL.
 */
export function resolvedAcl(
  acl: readonly WireAcl[] | null,
  ids: readonly AuthId[],
): readonly Acl[] | Extract<ErrorName, 'INVALIDACL' | 'MARSHALLINGERROR'> {
  if (acl === null) return 'MARSHALLINGERROR'
  if (acl.length === 0) return 'INVALIDACL'
  const resolved: Acl[] = []
  for (const { perms, scheme, id } of withoutDuplicates(acl)) {
    if (scheme === null) return 'INVALIDACL'
    if (scheme === 'auth') {
      const own = ids.filter((each) => providerOf(each.scheme)?.isAuthenticated)
      if (own.length === 0) return 'INVALIDACL'
      resolved.push(...own.map((each) => ({ perms, ...each })))
      continue
    }
    const provider = providerOf(scheme)
    // ZooKeeper meets a null pointer where it looks at the id.
    if (id === null) return provider === undefined && scheme !== 'world' ? 'INVALIDACL' : 'MARSHALLINGERROR'
    const isAnyone = scheme === 'world' && id === 'anyone'
    if (!isAnyone && provider?.isValid(id) !== true) return 'INVALIDACL'
    resolved.push({ perms, scheme, id })
  }
  return resolved
}

function withoutDuplicates(acl: readonly WireAcl[]): readonly WireAcl[] {
  const seen = new Set<string>()
  return acl.filter(({ perms, scheme, id }) => {
    const key = JSON.stringify([perms, scheme, id])
    return !seen.has(key) && seen.add(key)
  })
}

/** The list as it is shown to clients that may not change it: without digests of passwords. */
export function withoutDigests(acl: readonly Acl[]): readonly Acl[] {
  return acl.map((entry) => (entry.scheme === 'digest' ? { ...entry, id: entry.id.replace(/:.*/, ':x') } : entry))
}
