import { expect } from 'chai'
import { foreignProtocol } from './foreign-protocol.ts'

describe('a foreign protocol', () => {
  it('is TLS where a handshake record begins', () => {
    expect(foreignProtocol(Buffer.from([0x16, 0x03, 0x01, 0x02]))?.name).to.equal('TLS')
  })

  for (const line of ['GET / HTTP/1.1', 'POST /topics', 'PRI * HTTP/2.0']) {
    it(`is HTTP where the connection begins with ${line}`, () => {
      const foreign = foreignProtocol(Buffer.from(line))
      expect(foreign?.name).to.equal('HTTP')
      expect(foreign?.answer.toString()).to.match(/^HTTP\/1\.1 400 .*Kafka/s)
    })
  }

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
