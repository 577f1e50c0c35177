/** A protocol that people speak to a Kafka port by mistake, with the words that tell them so. */
export interface ForeignProtocol {
  readonly name: 'TLS' | 'HTTP' | 'SSH' | 'the PROXY protocol'
  /** What the other side can read; empty: it listens to nothing. */
  readonly answer: Buffer
  readonly hint: string
}

/** Fatal alert handshake_failure: makes a TLS client give up at once instead of trying again for minutes. */
const tlsAlert = Buffer.from([0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x28])

const httpText =
  'This is Ottla, a Kafka broker. It speaks the Kafka protocol on this port, not HTTP:\n' +
  'use the address as bootstrap server of a Kafka client.\n'
const httpAnswer = Buffer.from(
  'HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n' +
    `Content-Length: ${httpText.length}\r\nConnection: close\r\n\r\n${httpText}`,
)

/** An SSH client prints lines that come before a version, and gives up where none follows. */
const sshAnswer = Buffer.from('This is Ottla, a Kafka broker. It speaks the Kafka protocol on this port, not SSH.\r\n')
const nothing = Buffer.alloc(0)

/** First bytes of the PROXY protocol: of the signature of version 2; version 1 begins with PROXY as text. */
const PROXY_V2 = '\r\n\r\n'

const httpMethods = ['GET ', 'HEAD', 'POST', 'PUT ', 'DELE', 'OPTI', 'PATC', 'CONN', 'TRAC', 'PRI ']

/**
 * Which foreign protocol a connection's first four bytes belong to; undefined: none that is known. As a frame's size they
 * would be more than 300 MB.
 */
export function foreignProtocol(firstBytes: Buffer): ForeignProtocol | undefined {
  if (firstBytes.length < 4) return undefined
  if (firstBytes[0] === 0x16 && firstBytes[1] === 0x03) {
    return { name: 'TLS', answer: tlsAlert, hint: 'set its security.protocol to PLAINTEXT' }
  }
  const text = firstBytes.toString('latin1', 0, 4)
  if (httpMethods.includes(text)) return { name: 'HTTP', answer: httpAnswer, hint: 'it wants a Kafka client' }
  if (text === 'SSH-') return { name: 'SSH', answer: sshAnswer, hint: 'the port of an SSH server is another one' }
  if (text === 'PROX' || text === PROXY_V2) {
    const hint = 'switch it off where the load balancer is configured, and let that forward plain TCP'
    return { name: 'the PROXY protocol', answer: nothing, hint }
  }
  return undefined
}
