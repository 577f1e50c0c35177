import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { expect } from 'chai'
import { type Reading, TcpTransport } from './tcp-transport.ts'
import type { Listening, Peer, PeerHandler } from './transport.ts'

/** Records the events of one peer. */
class RecordingHandler implements PeerHandler {
  readonly peer: Peer
  readonly chunks: Buffer[] = []
  closed: { error: Error | undefined } | undefined
  #wake = () => {}
  readonly #onBytes: ((peer: Peer, chunk: Buffer) => void) | undefined

  constructor(peer: Peer, onBytes?: (peer: Peer, chunk: Buffer) => void) {
    this.peer = peer
    this.#onBytes = onBytes
  }

  get bytes(): Buffer {
    return Buffer.concat(this.chunks)
  }

  onBytes(chunk: Buffer): void {
    this.chunks.push(Buffer.from(chunk))
    this.#onBytes?.(this.peer, chunk)
    this.#wake()
  }

  onClose(error?: Error): void {
    if (this.closed !== undefined) throw new Error('closed twice')
    this.closed = { error }
    this.#wake()
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }
}

for (const reading of ['shared', 'events'] satisfies Reading[]) {
  describe(`TCP with ${reading} reading`, () => {
    let listening: Listening
    let peers: RecordingHandler[]
    let sockets: Socket[]
    let arrived: () => void
    let onBytes: ((peer: Peer, chunk: Buffer) => void) | undefined

    beforeEach(async () => {
      peers = []
      sockets = []
      onBytes = undefined
      listening = await new TcpTransport(reading).listen({ host: '127.0.0.1', port: 0, backlog: 10 }, (peer) => {
        const seen = new RecordingHandler(peer, onBytes)
        peers.push(seen)
        arrived()
        return seen
      })
    })

    afterEach(async () => {
      await listening.close()
      for (const socket of sockets) socket.destroy()
      for (const { peer } of peers) peer.destroy()
      for (const peer of peers) await peer.until(() => peer.closed !== undefined)
    })

    async function connected(): Promise<{ socket: Socket; seen: RecordingHandler }> {
      const accepted = new Promise<void>((resolve) => {
        arrived = resolve
      })
      const socket = connect(listening.port, '127.0.0.1')
      sockets.push(socket)
      await Promise.all([once(socket, 'connect'), accepted])
      return { socket, seen: peers.at(-1) as RecordingHandler }
    }

    async function received(socket: Socket, size: number): Promise<Buffer> {
      const chunks: Buffer[] = []
      let count = 0
      for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
        chunks.push(chunk)
        count += chunk.length
        if (count >= size) break
      }
      return Buffer.concat(chunks)
    }

    it('knows both ends of a connection', async () => {
      const { socket, seen } = await connected()
      expect(seen.peer).to.include({
        localAddress: '127.0.0.1',
        localPort: listening.port,
        remoteAddress: '127.0.0.1',
        remotePort: socket.localPort,
      })
    })

    it('delivers what clients send at the same time, unmixed', async () => {
      const clients = [await connected(), await connected(), await connected()]
      clients.forEach(({ socket }, index) => {
        for (let part = 0; part < 200; part++) socket.write(Buffer.alloc(10_000, index + 1))
      })
      for (const [index, { seen }] of clients.entries()) {
        await seen.until(() => seen.bytes.length === 2_000_000)
        expect(seen.bytes.equals(Buffer.alloc(2_000_000, index + 1))).to.equal(true)
      }
    })

    it('sends slices in order and reports when it no longer needs them', async () => {
      const { socket, seen } = await connected()
      const slices = [Buffer.from('ab'), Buffer.alloc(3_000_000, 'c'), Buffer.from('d')]
      const written = [0, 0].map(
        (_, index) =>
          new Promise<number>((resolve) => {
            seen.peer.write(index === 0 ? slices : [Buffer.from('!')], () => resolve(index))
          }),
      )
      expect(seen.peer.unsentBytes).to.equal(3_000_004)
      const bytes = await received(socket, 3_000_004)
      expect(bytes.equals(Buffer.concat([...slices, Buffer.from('!')]))).to.equal(true)
      expect(await Promise.all(written)).to.deep.equal([0, 1])
      expect(seen.peer.unsentBytes).to.equal(0)
    })

    it('sends the rest before it ends', async () => {
      const { socket, seen } = await connected()
      seen.peer.write([Buffer.from('bye')], () => {})
      seen.peer.end()
      const chunks: Buffer[] = []
      for await (const chunk of socket) chunks.push(chunk)
      expect(Buffer.concat(chunks).toString()).to.equal('bye')
      await seen.until(() => seen.closed !== undefined)
    })

    it('notices when a client disconnects', async () => {
      const { socket, seen } = await connected()
      socket.end()
      await seen.until(() => seen.closed !== undefined)
      expect(seen.closed?.error).to.equal(undefined)
    })

    it('notices when a client resets the connection', async () => {
      const { socket, seen } = await connected()
      socket.resetAndDestroy()
      await seen.until(() => seen.closed !== undefined)
      expect(seen.closed?.error).to.include({ code: 'ECONNRESET' })
    })

    it('releases memory when it is destroyed in the middle of a write', async () => {
      const { seen } = await connected()
      const written = [1, 2].map(
        () => new Promise<void>((resolve) => seen.peer.write([Buffer.alloc(20_000_000)], resolve)),
      )
      await new Promise((resolve) => setImmediate(resolve))
      seen.peer.destroy()
      await Promise.all(written)
    })

    it('reads nothing while it is paused, and everything afterwards', async () => {
      onBytes = (peer) => peer.pauseReading()
      const { socket, seen } = await connected()
      const size = 20_000_000
      socket.write(Buffer.alloc(size, 7))
      await seen.until(() => seen.chunks.length > 0)
      // A round trip on another connection leaves enough time for more bytes, if they were read.
      onBytes = undefined
      const other = await connected()
      other.socket.write('x')
      await other.seen.until(() => other.seen.bytes.length === 1)
      expect(seen.bytes.length).to.be.lessThan(size)
      const before = seen.chunks.length
      expect(before).to.equal(1)
      peers[0] = seen
      const resume = () => seen.peer.resumeReading()
      while (seen.bytes.length < size) {
        const count = seen.chunks.length
        resume()
        await seen.until(() => seen.chunks.length > count)
      }
      expect(seen.bytes.equals(Buffer.alloc(size, 7))).to.equal(true)
    })

    it('accepts no connection after it was closed, but keeps existing ones', async () => {
      const { socket, seen } = await connected()
      await listening.close()
      const [error] = await once(connect(listening.port, '127.0.0.1'), 'error')
      expect(error.code).to.equal('ECONNREFUSED')
      socket.write('still here')
      await seen.until(() => seen.bytes.length === 10)
    })

    it('refuses a port that is taken', async () => {
      const taken = new TcpTransport(reading).listen({ host: '127.0.0.1', port: listening.port, backlog: 10 }, () => {
        throw new Error('nobody is accepted here')
      })
      const error = await taken.then(
        () => undefined,
        (reason: NodeJS.ErrnoException) => reason,
      )
      expect(error?.code).to.equal('EADDRINUSE')
    })
  })
}
