import { type ErrorName, errorCodes } from './error-codes.ts'
import { JuteWriter } from './jute.ts'
import type { Stat } from './node-state.ts'
import type { Acl } from './node-store.ts'
import type { EventType } from './op-codes.ts'
import { eventTypes, opCodes } from './op-codes.ts'
import type { OpResult } from './plan.ts'
import type { WriteOp } from './requests.ts'
import type { Outcome } from './server.ts'
import type { Session } from './sessions.ts'

/** Writes what follows a reply's header. */
export type Body = (writer: JuteWriter) => void

/** Adds the size before the message. */
function frame(write: Body): Buffer {
  const writer = new JuteWriter().int(0)
  write(writer)
  const bytes = writer.bytes()
  bytes.writeInt32BE(bytes.length - 4, 0)
  return bytes
}

/** A reply with its size. */
export function reply(xid: number, zxid: number, error: ErrorName | 'OK', body?: Body): Buffer {
  return frame((writer) => {
    writer.int(xid).long(zxid).int(errorCodes[error])
    body?.(writer)
  })
}

const EVENT_XID = -1
const NO_ZXID = -1
/** Source: KeeperState.SyncConnected. */
const CONNECTED = 3

/** What a watch is told, with its size. */
export function eventFrame(type: EventType, path: string): Buffer {
  return reply(EVENT_XID, NO_ZXID, 'OK', (writer) => writer.int(eventTypes[type]).int(CONNECTED).string(path))
}

const PROTOCOL_VERSION = 0
const NO_PASSWORD = Buffer.alloc(16)

/**
 * Answer to a client that asked for a session; undefined: it has none, its old one has expired. hasReadOnly: the client
 * is of ZooKeeper 3.4 or newer and reads one more byte.
 */
export function connectReply(session: Session | undefined, hasReadOnly: boolean): Buffer {
  return frame((writer) => {
    writer
      .int(PROTOCOL_VERSION)
      .int(session?.timeoutMs ?? 0)
      .exactLong(session?.id ?? 0n)
      .buffer(session?.password ?? NO_PASSWORD)
    if (hasReadOnly) writer.boolean(false)
  })
}

/** Writes a Stat. */
export function writeStat(writer: JuteWriter, stat: Stat): void {
  writer.long(stat.czxid).long(stat.mzxid).long(stat.ctimeMs).long(stat.mtimeMs)
  writer.int(stat.version).int(stat.cversion).int(stat.aversion).exactLong(stat.ephemeralOwner)
  writer.int(stat.dataLength).int(stat.numChildren).long(stat.pzxid)
}

/** Writes an access control list. */
export function writeAcl(writer: JuteWriter, acl: readonly Acl[]): void {
  writer.vector(acl, (_, { perms, scheme, id }) => writer.int(perms).string(scheme).string(id))
}

/** Result of an operation that was the whole request. */
export function resultBody(op: WriteOp, { path, stat }: OpResult): Body {
  return (writer) => {
    if (op.kind === 'create') writer.string(path)
    if (stat !== undefined && (op.kind !== 'create' || op.withStat)) writeStat(writer, stat)
  }
}

/** multi := (header result)* header; header := type:int32 done:boolean error:int32. Source: MultiResponse. */
export function multiBody(ops: readonly WriteOp[], outcome: Outcome): Body {
  return (writer) => {
    for (const [index, op] of ops.entries()) {
      if ('error' in outcome) writeError(writer, errorAt(index, outcome))
      else {
        header(writer, resultType(op), 0)
        resultBody(op, outcome.results[index]!)(writer)
      }
    }
    writer.int(-1).boolean(true).int(-1)
  }
}

/** Operations before the failed one have no error of their own, those after it were not tried. */
function errorAt(index: number, { error, failedAt }: Extract<Outcome, { error: ErrorName }>): number {
  if (index === failedAt) return errorCodes[error]
  return index < failedAt ? errorCodes.OK : errorCodes.RUNTIMEINCONSISTENCY
}

function writeError(writer: JuteWriter, error: number): void {
  header(writer, opCodes.error, error)
  writer.int(error)
}

function header(writer: JuteWriter, type: number, error: number): void {
  writer.int(type).boolean(false).int(error)
}

function resultType(op: WriteOp): number {
  switch (op.kind) {
    case 'create':
      return op.isContainer ? opCodes.createContainer : opCodes.create
    case 'setData':
      return opCodes.setData
    case 'delete':
      return opCodes.delete
    default:
      return opCodes.check
  }
}
