import type { Lease } from '../../protocol/buffer-pool.ts'
import type { GatheredBytes } from '../../protocol/byte-writer.ts'

/** A connection as its requests see it, for its whole life. */
export interface ConnectionInfo {
  readonly id: string
  readonly listener: string
  readonly principal: string
  readonly clientHost: string
  readonly clientPort: number
  readonly localAddress: string
  readonly localPort: number
  /** Sent in ApiVersions v3 and later; empty until then. */
  clientSoftware: { readonly name: string; readonly version: string }
}

/** One request and its place in the connection's order of replies. Exactly one of reply and fail is called. */
export interface Exchange {
  readonly connection: ConnectionInfo
  /** The request's message without its size field. Valid until reply or fail. */
  readonly frame: Lease
  /** Lets the connection start its next request before this one is answered. */
  orderFixed(): void
  /** True if the connection is closed: no reply can be sent. */
  readonly isAbandoned: boolean
  /**
   * Called once if the connection closes before the reply; at once if it is closed already. Returns a function that
   * unsubscribes.
   */
  onAbandoned(callback: () => void): () => void
  /** Sends a whole frame after all earlier replies; undefined sends nothing. `written` releases pooled slices. */
  reply(frame: GatheredBytes | undefined, written?: () => void): void
  /** Closes the connection with one log line: the bytes are malformed, or no answer is allowed. */
  fail(reason: string): void
}
