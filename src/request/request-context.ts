import type { Lease } from '../../protocol/buffer-pool.ts'
import type { RequestHeader } from '../../protocol/headers.ts'
import type { Slices } from '../../storage/host/turn-slices.ts'
import type { RequestContext } from '../apis/handler.ts'
import type { Services } from '../apis/services.ts'
import type { ConnectionInfo, Exchange } from './exchange.ts'
import { RequestSlices } from './request-slices.ts'

/** RequestContext of a request from a connection. */
export class ExchangeContext implements RequestContext {
  readonly services: Services
  readonly apiVersion: number
  readonly clientId: string | null
  readonly nowMs: number
  /** Set by a handler to close the connection instead of answering. */
  closeReason: string | undefined
  readonly #exchange: Exchange
  readonly #connection: ConnectionInfo
  #slices: Slices | undefined

  constructor(services: Services, exchange: Exchange, header: RequestHeader, nowMs: number) {
    this.services = services
    this.apiVersion = header.apiVersion
    this.clientId = header.clientId
    this.nowMs = nowMs
    this.#exchange = exchange
    this.#connection = exchange.connection
  }

  get clientSoftware(): { readonly name: string; readonly version: string } {
    return this.#connection.clientSoftware
  }
  get clientHost(): string {
    return this.#connection.clientHost
  }
  get clientPort(): number {
    return this.#connection.clientPort
  }
  get principal(): string {
    return this.#connection.principal
  }
  get listener(): string {
    return this.#connection.listener
  }
  get localAddress(): string {
    return this.#connection.localAddress
  }
  get localPort(): number {
    return this.#connection.localPort
  }
  get connectionId(): string {
    return this.#connection.id
  }
  get slices(): Slices {
    this.#slices ??= new RequestSlices(this.services.slices, this.#exchange)
    return this.#slices
  }
  get lease(): Lease {
    return this.#exchange.frame
  }

  rememberClientSoftware(name: string, version: string): void {
    this.#connection.clientSoftware = { name, version }
  }

  orderFixed(): void {
    this.#exchange.orderFixed()
  }

  get isAbandoned(): boolean {
    return this.#exchange.isAbandoned
  }

  onAbandoned(callback: () => void): () => void {
    return this.#exchange.onAbandoned(callback)
  }

  closeConnection(reason: string): void {
    this.closeReason = reason
  }
}
