/** A protocol sent to a Kafka port by mistake, and how to answer it. */
export interface ForeignProtocol {
  readonly name: 'TLS' | 'HTTP' | 'SSH' | 'the PROXY protocol'
  /** Bytes that this protocol's client can show its user; empty if it shows nothing. */
  readonly answer: Buffer
  readonly hint: string
}

/** Fatal alert handshake_failure. A TLS client gives up at once; without it clients retry for minutes. */
const tlsAlert = Buffer.from([0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x28])

const httpText =
  'This is Ottla, a Kafka broker. It speaks the Kafka protocol on this port, not HTTP:\n' +
  'use the address as bootstrap server of a Kafka client.\n'
const httpAnswer = Buffer.from(
  'HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n' +
    `Content-Length: ${httpText.length}\r\nConnection: close\r\n\r\n${httpText}`,
)

/** SSH clients print lines before the server's version, and give up if no version follows. */
const sshAnswer = Buffer.from('This is Ottla, a Kafka broker. It speaks the Kafka protocol on this port, not SSH.\r\n')
const nothing = Buffer.alloc(0)

/** First bytes of the PROXY protocol v2 signature; v1 starts with the text PROXY. */
const PROXY_V2 = '\r\n\r\n'

const httpMethods = ['GET ', 'HEAD', 'POST', 'PUT ', 'DELE', 'OPTI', 'PATC', 'CONN', 'TRAC', 'PRI ']

/**
 * The foreign protocol of a connection's first four bytes; undefined if none is recognised. As a frame size these bytes
 * would mean more than 300 MB.
 */
export function foreignProtocol(firstBytes: Buffer): ForeignProtocol | undefined {
  if (firstBytes.length < 4) return undefined
  if (firstBytes[0] === 0x16 && firstBytes[1] === 0x03) {
    return { name: 'TLS', answer: tlsAlert, hint: 'set its security.protocol to PLAINTEXT' }
  }
  const text = firstBytes.toString('latin1', 0, 4)
  if (httpMethods.includes(text)) return { name: 'HTTP', answer: httpAnswer, hint: 'connect with a Kafka client' }
  if (text === 'SSH-') return { name: 'SSH', answer: sshAnswer, hint: 'SSH servers use another port' }
  if (text === 'PROX' || text === PROXY_V2) {
    const hint = 'turn it off in the load balancer, so that it forwards plain TCP'
    return { name: 'the PROXY protocol', answer: nothing, hint }
  }
  return undefined
}
