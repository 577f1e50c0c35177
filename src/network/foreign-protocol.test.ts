import { expect } from 'chai'
import { foreignProtocol } from './foreign-protocol.ts'

describe('a foreign protocol', () => {
  it('is TLS if a handshake record begins', () => {
    expect(foreignProtocol(Buffer.from([0x16, 0x03, 0x01, 0x02]))?.name).to.equal('TLS')
  })

  for (const line of ['GET / HTTP/1.1', 'POST /topics', 'PRI * HTTP/2.0']) {
    it(`is HTTP if the connection begins with ${line}`, () => {
      const foreign = foreignProtocol(Buffer.from(line))
      expect(foreign?.name).to.equal('HTTP')
      expect(foreign?.answer.toString()).to.match(/^HTTP\/1\.1 400 .*Kafka/s)
    })
  }

  it('is SSH if a client sends its version', () => {
    const foreign = foreignProtocol(Buffer.from('SSH-2.0-OpenSSH_9.6\r\n'))
    expect(foreign?.name).to.equal('SSH')
    expect(foreign?.answer.toString()).to.match(/Kafka.*\r\n$/)
  })

  for (const [version, bytes] of [
    [1, 'PROXY TCP4 10.0.0.1 10.0.0.2 5000 9092\r\n'],
    [2, '\r\n\r\n\0\r\nQUIT\n'],
  ] as const)
    it(`is the PROXY protocol, version ${version}, which gets no answer`, () => {
      const foreign = foreignProtocol(Buffer.from(bytes))
      expect(foreign).to.deep.include({ name: 'the PROXY protocol', answer: Buffer.alloc(0) })
      expect(foreign?.hint).to.contain('load balancer')
    })

  it('is none for a frame of ordinary size, nor for fewer than four bytes', () => {
    expect(foreignProtocol(Buffer.from([0, 0, 0, 42]))).to.equal(undefined)
    expect(foreignProtocol(Buffer.from('GE'))).to.equal(undefined)
  })

  it('answers HTTP with exactly the length that it announces', () => {
    const text = foreignProtocol(Buffer.from('GET '))?.answer.toString() ?? ''
    const [head = '', body = ''] = text.split('\r\n\r\n')
    expect(Number(/Content-Length: (\d+)/.exec(head)?.[1])).to.equal(body.length)
  })
})
