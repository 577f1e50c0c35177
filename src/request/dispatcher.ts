import { ByteReader, MalformedError } from '../../protocol/byte-reader.ts'
import { type GatheredBytes, TextTooLongError } from '../../protocol/byte-writer.ts'
import { decode, decodeInSteps, encode, encodeInSteps } from '../../protocol/codegen.ts'
import { type ErrorName, errorCode, errorTable } from '../../protocol/error-codes.ts'
import { frameInSteps, frameOf } from '../../protocol/frame.ts'
import { type RequestHeader, readRequestHeader, writeResponseHeader } from '../../protocol/headers.ts'
import { InvariantError } from '../../protocol/invariant.ts'
import { type ApiSchema, includesVersion } from '../../protocol/schema.ts'
import { runInSlices } from '../../storage/host/turn-slices.ts'
import { type Handler, type HandlerAnswer, WithRelease } from '../apis/handler.ts'
import type { Services } from '../apis/services.ts'
import { errorResponse } from './error-response.ts'
import type { Exchange } from './exchange.ts'
import { ExchangeContext } from './request-context.ts'
import { RequestMetrics } from './request-metrics.ts'
import { AbandonedError, RequestSlices } from './request-slices.ts'
import { isLargeResponse } from './response-weight.ts'

const API_VERSIONS = 18
const PRODUCE = 0

/** Requests of at least this size are decoded in slices. Smaller ones take a millisecond or two at most. */
const LARGE_REQUEST_BYTES = 64 * 1024

// biome-ignore lint/suspicious/noExplicitAny: handlers of every api stand in one table
type AnyHandler = Handler<any>

/** Decodes a request, calls its handler and encodes the response. */
export class Dispatcher {
  readonly #services: Services
  /** Undefined: nobody reads metrics. */
  readonly #metrics: RequestMetrics | undefined
  readonly #handlers = new Map<number, AnyHandler>()
  readonly #refusal: (() => ErrorName | undefined) | undefined

  /** refusal: Kafka's error for every request but ApiVersions, as long as there is one. */
  constructor(services: Services, handlers: readonly AnyHandler[], refusal?: () => ErrorName | undefined) {
    this.#services = services
    this.#refusal = refusal
    this.#metrics = RequestMetrics.of(services.metrics)
    for (const handler of handlers) this.#handlers.set(handler.api.key, handler)
  }

  /** Takes over the exchange: replies or fails it, now or later. */
  dispatch(exchange: Exchange): void {
    const startedMs = this.#metrics === undefined ? 0 : this.#services.host.clock.monotonicMs()
    const reader = new ByteReader(exchange.frame.bytes)
    let header: RequestHeader
    try {
      header = readRequestHeader(reader)
    } catch (error) {
      failMalformed(exchange, 'request header', error)
      return
    }
    const handler = this.#handlers.get(header.apiKey)
    if (handler === undefined || !includesVersion(handler.versions, header.apiVersion)) {
      this.#refuseVersion(exchange, header, handler)
      return
    }
    const measured = this.#metrics === undefined ? undefined : { metrics: this.#metrics, startedMs }
    const run = (request: Record<string, unknown>) =>
      new Call(this.#services, handler, exchange, header, request, measured).run(this.#refusalOf(header))
    const refuse = (error: unknown) => failMalformed(exchange, `${handler.api.name} v${header.apiVersion}`, error)
    let request: Record<string, unknown> | Promise<Record<string, unknown>>
    try {
      request = this.#decode(handler.api, header, reader, exchange)
    } catch (error) {
      refuse(error)
      return
    }
    if (request instanceof Promise) request.then(run, refuse)
    else run(request)
  }

  #refusalOf({ apiKey }: RequestHeader): ErrorName | undefined {
    return apiKey === API_VERSIONS ? undefined : this.#refusal?.()
  }

  #decode(api: ApiSchema, { apiVersion }: RequestHeader, reader: ByteReader, exchange: Exchange) {
    if (reader.bytes.length < LARGE_REQUEST_BYTES) return decode(api.request, apiVersion, reader)
    const slices = new RequestSlices(this.#services.slices, exchange)
    return runInSlices(decodeInSteps(api.request, apiVersion, reader), slices)
  }

  /**
   * Kafka closes the connection of a client that uses a version the broker lacks. ApiVersions is the exception: the
   * answer is v0, which every client can read, and lists the versions of ApiVersions alone. Source: KIP-511,
   * ApiVersionsRequest.getErrorResponse.
   */
  #refuseVersion(exchange: Exchange, header: RequestHeader, handler: AnyHandler | undefined): void {
    if (header.apiKey !== API_VERSIONS || handler === undefined) {
      exchange.fail(`api key ${header.apiKey} is not served in version ${header.apiVersion}`)
      return
    }
    const { oldest, newest } = handler.versions
    const body = {
      errorCode: errorCode('UNSUPPORTED_VERSION'),
      apiKeys: [{ apiKey: API_VERSIONS, minVersion: oldest, maxVersion: newest }],
    }
    exchange.reply(responseFrame(handler.api, 0, header.correlationId, body))
  }
}

function failMalformed(exchange: Exchange, what: string, error: unknown): void {
  if (error instanceof AbandonedError) {
    exchange.reply(undefined)
    return
  }
  if (!(error instanceof MalformedError)) throw error
  exchange.fail(`malformed ${what}: ${error.message}`)
}

function largeResponseFrame(api: ApiSchema, version: number, correlationId: number, body: object) {
  return frameInSteps(function* (writer) {
    writeResponseHeader(writer, api, version, correlationId)
    yield* encodeInSteps(api.response, version, body as never, writer)
  })
}

function responseFrame(api: ApiSchema, version: number, correlationId: number, body: object): GatheredBytes {
  return frameOf((writer) => {
    writeResponseHeader(writer, api, version, correlationId)
    encode(api.response, version, body as never, writer)
  })
}

/** Where the time of a request is counted. startedMs: when it came, monotonic. */
interface Measured {
  readonly metrics: RequestMetrics
  readonly startedMs: number
}

/** One request and its handler. */
class Call {
  readonly #services: Services
  readonly #handler: AnyHandler
  readonly #exchange: Exchange
  readonly #header: RequestHeader
  readonly #request: Record<string, unknown>
  readonly #context: ExchangeContext
  /** Undefined: nobody reads metrics. */
  readonly #measured: Measured | undefined

  constructor(
    services: Services,
    handler: AnyHandler,
    exchange: Exchange,
    header: RequestHeader,
    request: Record<string, unknown>,
    measured: Measured | undefined,
  ) {
    this.#services = services
    this.#handler = handler
    this.#exchange = exchange
    this.#header = header
    this.#request = request
    this.#context = new ExchangeContext(services, exchange, header, services.host.clock.nowMs())
    this.#measured = measured
  }

  /** refusal: the error to answer instead. */
  run(refusal: ErrorName | undefined): void {
    if (refusal !== undefined) {
      this.#replyError(refusal)
      return
    }
    let answer: HandlerAnswer<ApiSchema> | Promise<HandlerAnswer<ApiSchema>>
    try {
      answer = this.#handler.handle(this.#request as never, this.#context) as typeof answer
    } catch (error) {
      this.#failed(error)
      return
    }
    if (answer instanceof Promise) {
      answer.then(
        (later) => this.#answer(later),
        (error) => this.#failed(error),
      )
    } else this.#answer(answer)
  }

  #answer(answer: HandlerAnswer<ApiSchema>): void {
    const release = answer instanceof WithRelease ? answer.release : undefined
    if (this.#context.closeReason !== undefined) {
      release?.()
      this.#fail(this.#context.closeReason)
      return
    }
    if (answer === undefined) {
      this.#reply(undefined)
      return
    }
    const failed = (error: unknown) => {
      release?.()
      this.#failed(error)
    }
    let frame: GatheredBytes | Promise<GatheredBytes>
    try {
      frame = this.#frame(answer instanceof WithRelease ? answer.response : answer)
    } catch (error) {
      failed(error)
      return
    }
    if (frame instanceof Promise) frame.then((whole) => this.#reply(whole, release), failed)
    else this.#reply(frame, release)
  }

  #reply(frame: GatheredBytes | undefined, release?: () => void): void {
    this.#exchange.reply(frame, release)
    this.#count()
  }

  #fail(reason: string): void {
    this.#exchange.fail(reason)
    this.#count()
  }

  #count(): void {
    if (this.#measured === undefined) return
    const { metrics, startedMs } = this.#measured
    const tookMs = this.#services.host.clock.monotonicMs() - startedMs
    metrics.answered(this.#handler.api, this.#header.apiVersion, tookMs)
  }

  #frame(body: object): GatheredBytes | Promise<GatheredBytes> {
    const { apiVersion, correlationId } = this.#header
    if (!isLargeResponse(body)) return responseFrame(this.#handler.api, apiVersion, correlationId, body)
    return runInSlices(largeResponseFrame(this.#handler.api, apiVersion, correlationId, body), this.#context.slices)
  }

  /**
   * Answers UNKNOWN_SERVER_ERROR and logs the error with its stack: it is a bug, or a client id too long for an answer
   * that repeats it (Kafka fails on that too). A broken invariant stops the broker.
   */
  #failed(error: unknown): void {
    if (error instanceof AbandonedError) {
      this.#exchange.reply(undefined)
      return
    }
    const { api } = this.#handler
    const { apiVersion, clientId } = this.#header
    const fields = { err: error, api: api.name, apiVersion, clientId }
    if (error instanceof TextTooLongError)
      this.#services.logger.warn(fields, `${api.name} v${apiVersion}: a text of the answer is too long`)
    else this.#services.logger.error(fields, `${api.name} v${apiVersion} failed`)
    if (error instanceof InvariantError) this.#services.host.fatal(error)
    if (api.key === PRODUCE && this.#request.acks === 0) {
      this.#fail('a produce request without acknowledgement failed')
      return
    }
    this.#replyError('UNKNOWN_SERVER_ERROR')
  }

  #replyError(error: ErrorName): void {
    const frame = this.#errorFrame(error)
    if (frame !== undefined) this.#reply(frame)
    else {
      const what = `${this.#handler.api.name} v${this.#header.apiVersion}`
      this.#fail(`${what} failed, and its error cannot be sent in an answer`)
    }
  }

  /** Undefined if the error cannot be encoded. */
  #errorFrame(error: ErrorName): GatheredBytes | undefined {
    const { api } = this.#handler
    const { apiVersion, correlationId } = this.#header
    const { code, message } = errorTable[error]
    try {
      return responseFrame(api, apiVersion, correlationId, errorResponse(api, apiVersion, this.#request, code, message))
    } catch (error) {
      this.#services.logger.error({ err: error, api: api.name, apiVersion }, 'an error response could not be encoded')
      return undefined
    }
  }
}
