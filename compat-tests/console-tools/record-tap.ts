import { connect, createServer, type Server, type Socket } from 'node:net'
import { Fetch } from '../../protocol/apis/fetch.ts'
import { Produce } from '../../protocol/apis/produce.ts'
import { BufferPool } from '../../protocol/buffer-pool.ts'
import { ByteReader } from '../../protocol/byte-reader.ts'
import { decode } from '../../protocol/codegen.ts'
import { FrameReader } from '../../protocol/frame.ts'
import { readRequestHeader, readResponseHeader } from '../../protocol/headers.ts'

/** Every record format has its version number at this byte of a batch or message. */
const MAGIC_POSITION = 16

/**
 * Proxy between clients and a broker that advertises its address. Forwards every byte and notes the formats of produced
 * and fetched records.
 */
export class RecordTap {
  readonly port: number
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #brokerPort = 0
  #seen = new Set<string>()

  private constructor(server: Server) {
    this.#server = server
    this.port = (server.address() as { port: number }).port
    server.on('connection', (client) => this.#pass(client))
  }

  static start(): Promise<RecordTap> {
    return new Promise((resolve, reject) => {
      const server = createServer()
      server.once('error', reject)
      server.listen(0, '127.0.0.1', () => resolve(new RecordTap(server)))
    })
  }

  forwardTo(brokerPort: number): void {
    this.#brokerPort = brokerPort
  }

  /** Formats since the last call, each once: 'Produce v2, magic 1', 'Fetch v3, magic 1'. */
  take(): string[] {
    const seen = [...this.#seen].sort()
    this.#seen = new Set()
    return seen
  }

  close(): void {
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
  }

  #pass(client: Socket): void {
    const broker = connect({ port: this.#brokerPort, host: '127.0.0.1', noDelay: true })
    client.setNoDelay(true)
    const fetchVersions = new Map<number, number>()
    this.#join(client, broker, (frame) => this.#onRequest(frame, fetchVersions))
    this.#join(broker, client, (frame) => this.#onResponse(frame, fetchVersions))
  }

  #join(from: Socket, to: Socket, onFrame: (frame: Buffer) => void): void {
    const frames = new FrameReader(new BufferPool(), 0x7fffffff, (frame) => {
      onFrame(frame.bytes)
      frame.release()
    })
    this.#sockets.add(from)
    from.on('data', (chunk: Buffer) => frames.push(chunk))
    from.pipe(to)
    from.on('error', () => {}) // a tool that exits early resets its connections; 'close' follows
    from.on('close', () => {
      frames.close()
      this.#sockets.delete(from)
      to.destroySoon()
    })
  }

  #onRequest(frame: Buffer, fetchVersions: Map<number, number>): void {
    const reader = new ByteReader(frame)
    const { apiKey, apiVersion, correlationId } = readRequestHeader(reader)
    if (apiKey === Fetch.key) fetchVersions.set(correlationId, apiVersion)
    if (apiKey !== Produce.key) return
    for (const topic of decode(Produce.request, apiVersion, reader).topicData)
      for (const { records } of topic.partitionData) this.#note(`Produce v${apiVersion}`, records)
  }

  #onResponse(frame: Buffer, fetchVersions: Map<number, number>): void {
    const correlationId = frame.readInt32BE(0)
    const version = fetchVersions.get(correlationId)
    if (version === undefined) return
    fetchVersions.delete(correlationId)
    const reader = new ByteReader(frame)
    readResponseHeader(reader, Fetch, version)
    for (const topic of decode(Fetch.response, version, reader).responses)
      for (const { records } of topic.partitions) this.#note(`Fetch v${version}`, records?.[0])
  }

  #note(what: string, records: Buffer | null | undefined): void {
    if (records && records.length > MAGIC_POSITION) this.#seen.add(`${what}, magic ${records[MAGIC_POSITION]}`)
  }
}
