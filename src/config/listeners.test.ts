import { expect } from 'chai'
import { InvalidSetting } from './config-value.ts'
import { type Listeners, readListeners } from './listeners.ts'

const protocolMap = 'SASL_SSL:SASL_SSL,PLAINTEXT:PLAINTEXT,SSL:SSL,INSIDE:PLAINTEXT'

function read(
  listeners: string[],
  advertisedListeners: string[] | null = null,
  controllers: string[] | null = null,
  interBrokerListenerName: string | null = null,
) {
  const settings = { listeners, advertisedListeners, listenerSecurityProtocolMap: protocolMap, interBrokerListenerName }
  return readListeners({ ...settings, controllerListenerNames: controllers })
}

describe('listeners', () => {
  it('reads names, hosts and ports', () => {
    const { listening, advertised } = read(['PLAINTEXT://:9092', 'inside://[::1]:0']) as Listeners
    expect(listening).to.deep.equal([
      { name: 'PLAINTEXT', host: '', port: 9092 },
      { name: 'INSIDE', host: '::1', port: 0 },
    ])
    expect(advertised.size).to.equal(0)
  })

  it('keeps what clients are to be told', () => {
    const { advertised } = read(['PLAINTEXT://0.0.0.0:9092'], ['PLAINTEXT://my.host:19092']) as Listeners
    expect(advertised.get('PLAINTEXT')).to.deep.equal({ name: 'PLAINTEXT', host: 'my.host', port: 19092 })
  })

  it('keeps those of the controller apart', () => {
    const advertise = ['PLAINTEXT://box:1', 'CONTROLLER://box:2']
    const own = ['PLAINTEXT://:9092', 'CONTROLLER://:9093']
    const { listening, controller, advertised, advertisedControllers } = read(own, advertise, [
      'CONTROLLER',
    ]) as Listeners
    expect([listening, controller].flat().map(({ name, port }) => `${name} ${port}`)).to.deep.equal([
      'PLAINTEXT 9092',
      'CONTROLLER 9093',
    ])
    expect([...advertised.keys()]).to.deep.equal(['PLAINTEXT'])
    expect(advertisedControllers.get('CONTROLLER')?.port).to.equal(2)
  })

  it('refuses a listener of the controller with TLS', () => {
    const { message } = read(['PLAINTEXT://:1', 'SSL://:2'], null, ['SSL']) as InvalidSetting
    expect(message).to.contain('Ottla has no TLS yet')
  })

  it('knows the listener between brokers, and refuses one that is not there', () => {
    expect(read(['PLAINTEXT://:1', 'INSIDE://:2'], null, null, 'inside')).to.not.be.instanceOf(InvalidSetting)
    expect((read(['PLAINTEXT://:1', 'SSL://:2'], null, ['SSL'], 'SSL') as InvalidSetting).message).to.equal(
      'Invalid value SSL for configuration inter.broker.listener.name: listeners=PLAINTEXT://:1 has no listener of that ' +
        'name; use one of PLAINTEXT, or remove the setting',
    )
  })

  const refusals: [string, string[], string[] | null, string][] = [
    ['no name', ['localhost:9092'], null, 'NAME://host:port'],
    ['no port', ['PLAINTEXT://localhost'], null, 'NAME://host:port'],
    ['a port beyond 65535', ['PLAINTEXT://localhost:70000'], null, 'a port is a number from 0 to 65535'],
    ['one name twice', ['PLAINTEXT://:1', 'PLAINTEXT://:2'], null, 'different name'],
    ['a name without protocol', ['OUTSIDE://:1'], null, 'listener.security.protocol.map'],
    [
      'TLS',
      ['SSL://:1'],
      null,
      'Invalid value SSL://:1 for configuration listeners: Ottla has no TLS yet; set a PLAINTEXT listener',
    ],
    [
      'an advertised stranger',
      ['PLAINTEXT://:1'],
      ['INSIDE://x:1', 'PLAINTEXT://y:1'],
      'advertised.listeners=INSIDE://x:1,PLAINTEXT://y:1 names INSIDE, which listeners=PLAINTEXT://:1 does not have: use the same names in both',
    ],
    [
      'an advertised nowhere',
      ['PLAINTEXT://:1'],
      ['PLAINTEXT://0.0.0.0:1'],
      'clients cannot connect to a wildcard address',
    ],
    [
      'an advertised empty host',
      ['PLAINTEXT://:1'],
      ['PLAINTEXT://:1'],
      'set the host name or address that they should use',
    ],
    ['a comment behind a value', ['PLAINTEXT://:1 # mine'], null, 'put the comment on its own line: "# mine"'],
  ]
  for (const [what, listeners, advertised, text] of refusals)
    it(`refuses ${what}`, () => {
      const refused = read(listeners, advertised)
      expect(refused).to.be.instanceOf(InvalidSetting)
      expect((refused as InvalidSetting).message).to.contain(text)
    })
})
