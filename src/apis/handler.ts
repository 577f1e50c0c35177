import type { Lease } from '../../protocol/buffer-pool.ts'
import type { ApiSchema, Fields, RequestOf, ResponseInputOf, VersionRange } from '../../protocol/schema.ts'
import { versionRange } from '../../protocol/schema.ts'
import type { Slices } from '../../storage/host/turn-slices.ts'
import type { Services } from './services.ts'

/** What a handler gets besides the request body. */
export interface RequestContext {
  readonly services: Services
  readonly apiVersion: number
  /** Null if the client sent none. */
  readonly clientId: string | null
  /** Software name and version from ApiVersions v3 and later; empty until then. */
  readonly clientSoftware: { readonly name: string; readonly version: string }
  readonly clientHost: string
  readonly clientPort: number
  /** The client's principal: `User:ANONYMOUS` on a plaintext listener. */
  readonly principal: string
  readonly listener: string
  /** Address that the client connected to: the brokers' for this client if they listen on all interfaces, unadvertised. */
  readonly localAddress: string
  readonly localPort: number
  /** Constant for the life of the connection, unique in this broker. */
  readonly connectionId: string
  /** Time when the request was started. */
  readonly nowMs: number
  /** Memory that holds the request's bytes and records. Retain it to keep a view after the handler is done. */
  readonly lease: Lease
  /** Slices for work that grows with the request or the answer. They end the work if the client disconnects. */
  readonly slices: Slices
  /** Stores the client software for the life of the connection. */
  rememberClientSoftware(name: string, version: string): void
  /** Declares that the order of this request's effects is fixed: the connection may start its next request. */
  orderFixed(): void
  /** True if the client's connection is closed: nobody waits for the answer. */
  readonly isAbandoned: boolean
  /**
   * Called once if the client's connection closes or the broker stops; at once if that has happened already. Returns a
   * function that unsubscribes.
   */
  onAbandoned(callback: () => void): () => void
  /**
   * Closes the client's connection with one log line, for errors that cannot be answered (a failed produce with
   * acks=0).
   */
  closeConnection(reason: string): void
}

/** Behaviour of one API. An undefined response sends nothing (acks=0). */
export interface Handler<A extends ApiSchema = ApiSchema> {
  readonly api: A
  /** Versions that ApiVersions advertises: the schema's unless narrowed. */
  readonly versions: VersionRange
  /** Versions that are served with unstable.api.versions.enable; omitted: the same. */
  readonly unstableVersions?: VersionRange
  handle(request: RequestOf<A>, context: RequestContext): HandlerAnswer<A> | Promise<HandlerAnswer<A>>
}

export type HandlerAnswer<A extends ApiSchema> = ResponseInputOf<A> | WithRelease<ResponseInputOf<A>> | undefined

/**
 * The answer, or undefined once the client has disconnected. For answers that depend on other clients (a rebalance):
 * the request's memory is then free at once.
 */
export function whileConnected<T>(context: RequestContext, answer: T | Promise<T>): T | Promise<T | undefined> {
  if (!(answer instanceof Promise)) return answer
  return new Promise((resolve, fail) => {
    const forget = context.onAbandoned(() => resolve(undefined))
    answer.then(resolve, fail).finally(forget)
  })
}

/** A response with slices in pooled memory. The connection calls release when it no longer needs them. */
export class WithRelease<R> {
  readonly response: R
  readonly release: () => void
  constructor(response: R, release: () => void) {
    this.response = response
    this.release = release
  }
}

/**
 * Declares a handler: `export const metadata = handler(Metadata, (request, context) => ...)`. A thrown error is a bug:
 * the dispatcher logs it with its stack and answers UNKNOWN_SERVER_ERROR.
 */
export function handler<Q extends Fields, S extends Fields>(
  api: ApiSchema<Q, S>,
  handle: (
    request: RequestOf<ApiSchema<Q, S>>,
    context: RequestContext,
  ) => HandlerAnswer<ApiSchema<Q, S>> | Promise<HandlerAnswer<ApiSchema<Q, S>>>,
  { versions, unstable }: { versions?: string; unstable?: string } = {},
): Handler<ApiSchema<Q, S>> {
  const served = versions === undefined ? api.versions : versionRange(versions)
  if (unstable === undefined) return { api, versions: served, handle }
  return { api, versions: served, unstableVersions: versionRange(unstable), handle }
}
