import type { Lease } from '../../protocol/buffer-pool.ts'
import type { ApiSchema, Fields, RequestOf, ResponseInputOf, VersionRange } from '../../protocol/schema.ts'
import { versionRange } from '../../protocol/schema.ts'
import type { Slices } from '../../storage/host/turn-slices.ts'
import type { Services } from './services.ts'

/** What a handler knows of the request beside its body. */
export interface RequestContext {
  readonly services: Services
  readonly apiVersion: number
  /** Null where the client sent none. */
  readonly clientId: string | null
  /** Name and version that the client told in ApiVersions v3+; empty before. */
  readonly clientSoftware: { readonly name: string; readonly version: string }
  readonly clientHost: string
  /** Who asks: `User:ANONYMOUS` on a plaintext listener. */
  readonly principal: string
  readonly listener: string
  /** Address that this client is told for a broker unless advertised.listeners is set. */
  readonly localAddress: string
  readonly localPort: number
  /** Stable for the life of the connection, unique in this broker. */
  readonly connectionId: string
  /** The clock, read once when the request was taken up. */
  readonly nowMs: number
  /** Memory that the request's views (bytes, records) lie in; retained by whoever keeps a view beyond the handler. */
  readonly lease: Lease
  /** Turns of the event loop for work that grows with the request or the answer. Ends it if the client leaves. */
  readonly slices: Slices
  /** Keeps what ApiVersions told, for the life of the connection. */
  rememberClientSoftware(name: string, version: string): void
  /** The order of this request's effects is fixed: the connection may take up its next request. */
  orderFixed(): void
  /** True once the client's connection is closed: nobody waits for the answer. */
  readonly isAbandoned: boolean
  /** Called once when the client's connection closes or the broker stops; at once if that has happened already. Returns how to take it back. */
  onAbandoned(callback: () => void): () => void
  /** Closes the client's connection with one log line, where that is the only answer (a failed acks=0 produce). */
  closeConnection(reason: string): void
}

/** One API's behaviour. `undefined` instead of a response: nothing is sent (acks=0). */
export interface Handler<A extends ApiSchema = ApiSchema> {
  readonly api: A
  /** What ApiVersions advertises: the schema's versions unless narrowed. */
  readonly versions: VersionRange
  handle(request: RequestOf<A>, context: RequestContext): HandlerAnswer<A> | Promise<HandlerAnswer<A>>
}

export type HandlerAnswer<A extends ApiSchema> = ResponseInputOf<A> | WithRelease<ResponseInputOf<A>> | undefined

/**
 * The answer, or undefined as soon as the client has left. For answers that others decide about (a rebalance): the
 * request's memory goes back when nobody waits for it any more.
 */
export function whileConnected<T>(context: RequestContext, answer: T | Promise<T>): T | Promise<T | undefined> {
  if (!(answer instanceof Promise)) return answer
  return new Promise((resolve, fail) => {
    const forget = context.onAbandoned(() => resolve(undefined))
    answer.then(resolve, fail).finally(forget)
  })
}

/** A response whose slices live in pooled memory: release is called once the connection has let go of them. */
export class WithRelease<R> {
  readonly response: R
  readonly release: () => void
  constructor(response: R, release: () => void) {
    this.response = response
    this.release = release
  }
}

/**
 * Declares a handler: `export const metadata = handler(Metadata, (request, context) => ...)`. An error that is thrown
 * is a bug: the dispatcher logs it with its stack and answers UNKNOWN_SERVER_ERROR.
 */
export function handler<Q extends Fields, S extends Fields>(
  api: ApiSchema<Q, S>,
  handle: (
    request: RequestOf<ApiSchema<Q, S>>,
    context: RequestContext,
  ) => HandlerAnswer<ApiSchema<Q, S>> | Promise<HandlerAnswer<ApiSchema<Q, S>>>,
  options: { versions?: string } = {},
): Handler<ApiSchema<Q, S>> {
  return { api, versions: options.versions === undefined ? api.versions : versionRange(options.versions), handle }
}
