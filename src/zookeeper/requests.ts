import type { WireAcl } from './access-control.ts'
import { JuteError, type JuteReader } from './jute.ts'
import { opCodes } from './op-codes.ts'

/** A change that a client wants: a request of its own, or a part of a multi. Texts and data are null if sent so. */
export type WriteOp =
  | CreateOp
  | { readonly kind: 'delete'; readonly path: string | null; readonly version: number }
  | { readonly kind: 'setData'; readonly path: string | null; readonly data: Buffer | null; readonly version: number }
  | { readonly kind: 'check'; readonly path: string | null; readonly version: number }
  | {
      readonly kind: 'setAcl'
      readonly path: string | null
      readonly acl: readonly WireAcl[] | null
      readonly version: number
    }

/** Creation of a node. */
export interface CreateOp {
  readonly kind: 'create'
  /** Whether the answer has the Stat. */
  readonly withStat: boolean
  readonly isContainer: boolean
  readonly path: string | null
  readonly data: Buffer | null
  readonly acl: readonly WireAcl[] | null
  /** Of CreateMode. */
  readonly flags: number
  /** Milliseconds; undefined: none was sent. */
  readonly ttlMs: number | undefined
}

/** A question that changes nothing; `watch`: tell this connection of the next change. */
export type ReadRequest =
  | {
      readonly kind: 'exists' | 'getData' | 'getChildren' | 'getChildren2'
      readonly path: string | null
      readonly watch: boolean
    }
  | { readonly kind: 'getAcl'; readonly path: string | null }
  | {
      readonly kind: 'setWatches'
      readonly relativeZxid: number
      readonly data: readonly (string | null)[] | null
      readonly exists: readonly (string | null)[] | null
      readonly children: readonly (string | null)[] | null
    }
  | { readonly kind: 'checkWatches' | 'removeWatches'; readonly path: string | null; readonly type: number }

/** A request after its header. */
export type Request =
  | ReadRequest
  | WriteOp
  | { readonly kind: 'multi'; readonly ops: readonly WriteOp[] }
  | { readonly kind: 'sync'; readonly path: string | null }
  | { readonly kind: 'auth'; readonly scheme: string | null; readonly auth: Buffer | null }
  | { readonly kind: 'sasl'; readonly token: Buffer | null }
  | { readonly kind: 'ping' | 'closeSession' | 'reconfig' | 'deleteContainer' }

type Read = (reader: JuteReader) => Request

/** How each type is read. A type that is not here is not served. Source: zookeeper.jute, Request.isValid. */
const readers = new Map<number, Read>([
  [opCodes.create, (reader) => create(reader, { withStat: false })],
  [opCodes.create2, (reader) => create(reader, { withStat: true })],
  [opCodes.createContainer, (reader) => create(reader, { withStat: true, isContainer: true })],
  [opCodes.createTtl, (reader) => create(reader, { withStat: true, hasTtl: true })],
  [opCodes.delete, (reader) => ({ kind: 'delete', path: reader.string(), version: reader.int() })],
  [opCodes.exists, (reader) => ({ kind: 'exists', path: reader.string(), watch: reader.boolean() })],
  [opCodes.getData, (reader) => ({ kind: 'getData', path: reader.string(), watch: reader.boolean() })],
  [opCodes.setData, setData],
  [opCodes.getAcl, (reader) => ({ kind: 'getAcl', path: reader.string() })],
  [opCodes.setAcl, (reader) => ({ kind: 'setAcl', path: reader.string(), acl: aclOf(reader), version: reader.int() })],
  [opCodes.getChildren, (reader) => ({ kind: 'getChildren', path: reader.string(), watch: reader.boolean() })],
  [opCodes.getChildren2, (reader) => ({ kind: 'getChildren2', path: reader.string(), watch: reader.boolean() })],
  [opCodes.sync, (reader) => ({ kind: 'sync', path: reader.string() })],
  [opCodes.ping, () => ({ kind: 'ping' })],
  [opCodes.check, (reader) => ({ kind: 'check', path: reader.string(), version: reader.int() })],
  [opCodes.multi, multi],
  [opCodes.reconfig, reconfig],
  [opCodes.checkWatches, (reader) => ({ kind: 'checkWatches', path: reader.string(), type: reader.int() })],
  [opCodes.removeWatches, (reader) => ({ kind: 'removeWatches', path: reader.string(), type: reader.int() })],
  [opCodes.deleteContainer, () => ({ kind: 'deleteContainer' })],
  [opCodes.closeSession, () => ({ kind: 'closeSession' })],
  [opCodes.auth, auth],
  [opCodes.setWatches, setWatches],
  [opCodes.sasl, (reader) => ({ kind: 'sasl', token: reader.buffer() })],
])

const writes: ReadonlySet<number> = new Set([
  opCodes.create,
  opCodes.create2,
  opCodes.createContainer,
  opCodes.createTtl,
  opCodes.delete,
  opCodes.setData,
  opCodes.setAcl,
  opCodes.check,
  opCodes.multi,
])

/** Whether a request of that type takes a zxid even if it cannot be decoded. */
export function takesZxid(type: number): boolean {
  return writes.has(type)
}

const connectionLevel: ReadonlySet<number> = new Set([opCodes.auth, opCodes.sasl])

/** Whether a connection closes if a request of that type cannot be decoded. Source: ZooKeeperServer.processPacket. */
export function endsUndecoded(type: number): boolean {
  return connectionLevel.has(type)
}

/** Reads the rest of a request. Bytes after it are ignored, as ZooKeeper ignores them. */
export function readRequest(type: number, reader: JuteReader): Request | 'UNIMPLEMENTED' | 'MARSHALLINGERROR' {
  const read = readers.get(type)
  if (read === undefined) return 'UNIMPLEMENTED'
  try {
    return read(reader)
  } catch (error) {
    if (error instanceof JuteError) return 'MARSHALLINGERROR'
    throw error
  }
}

/** Two empty texts and the permissions. */
const SMALLEST_ACL_BYTES = 12
const SMALLEST_TEXT_BYTES = 4

function aclOf(reader: JuteReader): WireAcl[] | null {
  return reader.vector(SMALLEST_ACL_BYTES, () => {
    return { perms: reader.int(), scheme: reader.string(), id: reader.string() }
  })
}

function create(
  reader: JuteReader,
  { withStat, isContainer = false, hasTtl = false }: { withStat: boolean; isContainer?: boolean; hasTtl?: boolean },
): CreateOp {
  const [path, data, acl, flags] = [reader.string(), reader.buffer(), aclOf(reader), reader.int()]
  const ttlMs = hasTtl ? reader.long() : undefined
  return { kind: 'create', withStat, isContainer, path, data, acl, flags, ttlMs }
}

function setData(reader: JuteReader): WriteOp {
  return { kind: 'setData', path: reader.string(), data: reader.buffer(), version: reader.int() }
}

function reconfig(reader: JuteReader): Request {
  for (let text = 0; text < 3; text++) reader.string()
  reader.long()
  return { kind: 'reconfig' }
}

function auth(reader: JuteReader): Request {
  reader.int()
  return { kind: 'auth', scheme: reader.string(), auth: reader.buffer() }
}

function setWatches(reader: JuteReader): Request {
  const paths = () => reader.vector(SMALLEST_TEXT_BYTES, () => reader.string())
  return { kind: 'setWatches', relativeZxid: reader.long(), data: paths(), exists: paths(), children: paths() }
}

/** multi := (header operation)* header; header := type:int32 done:boolean error:int32 */
function multi(reader: JuteReader): Request {
  const ops: WriteOp[] = []
  for (;;) {
    const type = reader.int()
    const isDone = reader.boolean()
    reader.int()
    if (isDone) return { kind: 'multi', ops }
    ops.push(partOfMulti(type, reader))
  }
}

const CONTAINER_FLAG = 4
const TTL_FLAGS = [5, 6]

/** The type of a creation follows from its flags. Source: MultiTransactionRecord.deserialize, Op.Create. */
function partOfMulti(type: number, reader: JuteReader): WriteOp {
  const request = readers.get(type)?.(reader)
  switch (request?.kind) {
    case 'create': {
      const isContainer = request.flags === CONTAINER_FLAG
      const ttlMs = TTL_FLAGS.includes(request.flags) ? request.ttlMs : undefined
      return { ...request, withStat: isContainer, isContainer, ttlMs }
    }
    case 'delete':
    case 'setData':
    case 'check':
      return request
    default:
      throw new JuteError(`type ${type} in a multi`)
  }
}
