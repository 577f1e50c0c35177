import type { Lease } from '../../protocol/buffer-pool.ts'
import type { GatheredBytes } from '../../protocol/byte-writer.ts'

/** What is known of a connection, for the life of it. */
export interface ConnectionInfo {
  readonly id: string
  readonly listener: string
  readonly principal: string
  readonly clientHost: string
  readonly clientPort: number
  readonly localAddress: string
  readonly localPort: number
  /** Told in ApiVersions v3 and later; empty before. */
  clientSoftware: { readonly name: string; readonly version: string }
}

/** One request and the place of its reply in the order of its connection. Exactly one of reply and fail is called. */
export interface Exchange {
  readonly connection: ConnectionInfo
  /** The request's message, without its size. Valid until reply or fail. */
  readonly frame: Lease
  /** The connection may take up its next request, before this one is answered. */
  orderFixed(): void
  /** True once the connection is closed and no reply can be sent. */
  readonly isAbandoned: boolean
  /** Called once if the connection closes before the reply, at once if it is closed already. Returns how to take it back. */
  onAbandoned(callback: () => void): () => void
  /** Sends a whole frame once all earlier ones are sent; undefined: nothing. `written` lets go of pooled slices. */
  reply(frame: GatheredBytes | undefined, written?: () => void): void
  /** Closes the connection with one log line: the bytes make no sense, or no answer may be given. */
  fail(reason: string): void
}
