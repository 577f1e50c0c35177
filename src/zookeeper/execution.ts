import { type AuthId, providerOf } from './authentication.ts'
import type { ErrorName } from './error-codes.ts'
import { limits } from './limits.ts'
import { Reads } from './reads.ts'
import { type Body, multiBody, resultBody } from './replies.ts'
import type { Request, WriteOp } from './requests.ts'
import type { Caller, Outcome, ZooKeeperServer } from './server.ts'
import type { Watcher } from './watches.ts'
import { type MaybePromise, whenThere } from './write-queue.ts'

/** What a request is answered with. */
export interface Executed {
  /** Undefined: none. 'nothing': the connection closes without an answer. */
  readonly error?: ErrorName | 'nothing' | undefined
  readonly body?: Body | undefined
  /** In place of the request's own xid and of the newest zxid. */
  readonly xid?: number
  readonly zxid?: number
  /** Whether the connection closes after the answer. */
  readonly ends?: boolean
}

/** The connection that sent a request. */
export interface Asker extends Caller {
  /** Grows with each proof. */
  readonly ids: AuthId[]
  /** Undefined once the connection is closed. */
  readonly watcher: Watcher | undefined
  readonly address: string
}

const PING_XID = -2
const NO_ZXID = -1

/** Carries a request out. A string: why it could not be read. Source: ZooKeeperServer.processPacket, PrepRequestProcessor. */
export function execute(
  request: Request | 'UNIMPLEMENTED' | 'MARSHALLINGERROR',
  server: ZooKeeperServer,
  asker: Asker,
): MaybePromise<Executed> {
  if (request === 'UNIMPLEMENTED') return { error: request, zxid: NO_ZXID, ends: true }
  if (request === 'MARSHALLINGERROR') return { error: request }
  switch (request.kind) {
    case 'create':
    case 'delete':
    case 'setData':
    case 'setAcl':
      return whenThere(server.change(asker, [request]), (outcome) => ofOne(request, outcome))
    case 'check':
      return whenThere(server.change(asker, [request]), (outcome) => ({ error: errorOf(outcome) }))
    case 'multi':
      return whenThere(server.change(asker, request.ops), (outcome) => ofMulti(request.ops, outcome))
    case 'sync':
      return whenThere(server.sync(), () => ({ body: (writer) => writer.string(request.path) }))
    case 'ping':
      return { xid: PING_XID }
    case 'closeSession':
      return whenThere(server.closeSession(asker.session), () => ({ ends: true }))
    case 'reconfig':
      return whenThere(server.skipZxid(), () => ({ error: 'RECONFIGDISABLED' }))
    case 'deleteContainer':
      return whenThere(server.skipZxid(), () => ({ error: 'BADARGUMENTS' }))
    case 'auth':
      return authenticate(request, asker)
    case 'sasl':
      // ZooKeeper without SASL answers null, and stumbles over null.
      return request.token === null ? { error: 'nothing' } : { zxid: 0, body: (writer) => writer.buffer(null) }
    default: {
      const answer = new Reads(server.tree, asker, () => warnOfWatches(server)).answer(request)
      return typeof answer === 'string' ? { error: answer } : { body: answer }
    }
  }
}

function errorOf(outcome: Outcome): ErrorName | undefined {
  return 'error' in outcome ? outcome.error : undefined
}

function ofOne(op: WriteOp, outcome: Outcome): Executed {
  return 'error' in outcome ? { error: outcome.error } : { body: resultBody(op, outcome.results[0]!) }
}

/** What could not be decoded fails the request; other errors stand in the results. */
function ofMulti(ops: readonly WriteOp[], outcome: Outcome): Executed {
  if (errorOf(outcome) === 'MARSHALLINGERROR') return { error: 'MARSHALLINGERROR' }
  return { body: multiBody(ops, outcome) }
}

function authenticate({ scheme, auth }: Extract<Request, { kind: 'auth' }>, { ids, address }: Asker): Executed {
  const provider = providerOf(scheme ?? '')
  const bytes = auth ?? Buffer.alloc(0)
  if (provider === undefined || bytes.length > limits.authBytes) return { error: 'AUTHFAILED', zxid: 0, ends: true }
  const id = { scheme: scheme!, id: provider.authenticate(bytes, address) }
  if (!ids.some((own) => own.scheme === id.scheme && own.id === id.id)) {
    if (ids.length >= limits.authIds) return { error: 'AUTHFAILED', zxid: 0, ends: true }
    ids.push(id)
  }
  return { zxid: 0 }
}

function warnOfWatches(server: ZooKeeperServer): void {
  server.warnings.warn({}, 'ZooKeeper clients’ watches are refused: there are too many')
}
