import { expect } from 'chai'
import { entityNode, entityOfNode } from './entity-names.ts'
import { brokerData, readConfigData, readElectionData, readReassignmentData, readTopicData } from './node-data.ts'
import { credentialText, readCredential } from './scram-text.ts'

const bytes = (value: unknown) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))

describe('data of Kafka’s nodes', () => {
  // Printed by a broker of 2.8.2, with its timestamp.
  it('is that of Kafka 2.8 for a broker', () => {
    const endpoint = { listener: 'PLAINTEXT', host: '127.0.0.1', port: 29092, securityProtocol: 'PLAINTEXT' }
    expect(brokerData([endpoint], null, 1795935163491).toString()).to.equal(
      '{"features":{},"listener_security_protocol_map":{"PLAINTEXT":"PLAINTEXT"},"endpoints":["PLAINTEXT://127.0.0.1:29092"],"jmx_port":-1,"port":29092,"host":"127.0.0.1","version":5,"timestamp":"1795935163491"}',
    )
  })

  it('names the first plaintext endpoint for old clients, and the rack', () => {
    const secure = { listener: 'SAFE', host: 'a', port: 1, securityProtocol: 'SSL' }
    const plain = { listener: 'OPEN', host: 'b', port: 2, securityProtocol: 'PLAINTEXT' }
    expect(JSON.parse(brokerData([secure, plain], 'r', 0).toString())).to.include({ host: 'b', port: 2, rack: 'r' })
    expect(JSON.parse(brokerData([secure], null, 0).toString())).to.include({ host: null, port: -1 })
  })

  it('is read as settings whatever numbers or strings it has', () => {
    expect(readConfigData(bytes({ version: 1, config: { a: '1', b: 2 } }))).to.deep.equal(
      new Map([
        ['a', '1'],
        ['b', '2'],
      ]),
    )
    for (const empty of [null, Buffer.alloc(0), bytes({}), bytes({ version: 1, config: {} })])
      expect(readConfigData(empty)).to.deep.equal(new Map())
  })

  it('is undefined where it is malformed', () => {
    for (const wrong of [
      '',
      '{',
      '1',
      'null',
      '[]',
      '{"partitions":1}',
      '{"partitions":{"0":1}}',
      '{"partitions":{"x":[1]}}',
      '{"partitions":{"0":["1"]}}',
    ])
      expect(readTopicData(bytes(wrong)), wrong).to.equal(undefined)
    for (const wrong of ['{', '1', '[]', '{"config":1}', '{"config":{"a":null}}', '{"config":{"a":[]}}'])
      expect(readConfigData(bytes(wrong)), wrong).to.equal(undefined)
    for (const wrong of [
      '{',
      '{}',
      '{"partitions":[1]}',
      '{"partitions":[{"topic":1,"partition":0}]}',
      '{"partitions":[{"topic":"t","partition":0.5}]}',
    ]) {
      expect(readElectionData(bytes(wrong)), wrong).to.equal(undefined)
      expect(readReassignmentData(bytes(wrong)), wrong).to.equal(undefined)
    }
    expect(readReassignmentData(bytes({ partitions: [{ topic: 't', partition: 0 }] }))).to.equal(undefined)
    expect(readTopicData(null)).to.equal(undefined)
  })

  it('escapes names of entities as Kafka does, and reads them back', () => {
    for (const [name, node] of [
      ['plain-1.x_y', 'plain-1.x_y'],
      ['al ice', 'al%20ice'],
      ['CN=a,O=b*', 'CN%3Da%2CO%3Db%2A'],
      ["~!'()", '%7E%21%27%28%29'],
      ['é', '%C3%A9'],
      [null, '<default>'],
    ] as const) {
      expect(entityNode(name)).to.equal(node)
      expect(entityOfNode(node)).to.equal(name)
    }
    expect(entityOfNode('a+b')).to.equal('a b')
    expect(entityOfNode('%E0')).to.equal(undefined)
  })

  it('holds SCRAM credentials in Kafka’s text form', () => {
    const text = 'salt=MWti,stored_key=hqLU,server_key=Z4nkSrA=,iterations=8192'
    const credential = readCredential(text)
    expect(credential).to.include({ iterations: 8192 })
    expect(credentialText(credential!)).to.equal(text)
    for (const wrong of ['', 'salt=a', text.replace('8192', 'many'), text.replace('MWti', '?'), `${text},more=1`])
      expect(readCredential(wrong), wrong).to.equal(undefined)
  })
})
