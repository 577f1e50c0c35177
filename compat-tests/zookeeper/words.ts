import { opCodes as op } from '../../src/zookeeper/op-codes.ts'
import { bodies, type Dial, TestClient } from '../../src/zookeeper/test-client.fixture.ts'
import { within } from '../wait-for.ts'

const words = [
  ...['ruok', 'stat', 'srvr', 'mntr', 'conf', 'cons', 'envi', 'dump', 'wchs', 'wchc', 'wchp', 'isro', 'gtmk', 'stmk'],
  ...['dirs', 'crst', 'srst'],
]

/** Answers to all four-letter words while a client with a watch and an ephemeral node is connected. */
export async function wordsOf(dial: Dial): Promise<Record<string, string>> {
  const client = await TestClient.dial(dial)
  await client.connect()
  await client.call(op.create, bodies.create('/of-words', '', undefined, 1))
  await client.call(op.getData, bodies.pathAndWatch('/of-words', true))
  const answers: Record<string, string> = {}
  for (const word of words) {
    const asker = await TestClient.dial(dial)
    const mask = Buffer.from('0000000000000132', 'hex')
    const text = await within(`${word} is answered`, asker.word(word, word === 'stmk' ? mask : undefined))
    answers[word] = shape(text)
  }
  await client.call(op.closeSession)
  return answers
}

/** Without what differs from one machine and moment to the next. */
function shape(text: string): string {
  return (
    text
      .replace(/^zk_(open|max)_file_descriptor_count\t\d+\n/gm, '')
      .replace(/3\.5\.9-[^\n]*/g, 'VERSION')
      .replace(/^(dataDir|dataLogDir|host\.name|(java|os|user)\.[a-z.]+)=.*$/gm, '$1=')
      .replace(/^maxClientCnxns=.*$/gm, 'maxClientCnxns=')
      .replace(/(expire at )[^\n]*:/g, '$1DATE:')
      .replace(/127\.0\.0\.1:\d+/g, 'ADDRESS')
      .replace(/0x[0-9a-f]+/g, 'HEX')
      .replace(/\b\d+\b/g, 'N')
      // Connections that have just closed may still be listed, and each is in a set of its own or not.
      .replace(/^( \/ADDRESS\[N\].*\n)+/gm, ' CONNECTIONS\n')
      .replace(/(N expire at DATE:\n(\tHEX\n)*)+/g, 'SESSIONS\n')
      .replace(/^Connections Sets[\s\S]*/m, 'CONNECTIONS')
  )
}
