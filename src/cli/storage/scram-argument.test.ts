import { expect } from 'chai'
import { SimulatedHost } from '../../../storage/host/simulated-host.ts'
import { scramUserOf } from './scram-argument.ts'

const { random } = new SimulatedHost(1)

function faultOf(argument: string): string {
  try {
    scramUserOf(argument, random)
  } catch (error) {
    return (error as Error).message
  }
  throw new Error(`${argument} was accepted`)
}

describe('scram argument', () => {
  it('a password gives the keys that Kafka’s tool writes', () => {
    const { name, mechanism, credential } = scramUserOf('SCRAM-SHA-512=[name=a,password=p,salt=YWJj]', random)
    expect({ name, mechanism, salt: String(credential.salt) }).to.deep.equal({ name: 'a', mechanism: 2, salt: 'abc' })
    expect(credential.iterations).to.equal(4096)
    expect([...credential.storedKey.subarray(0, 8)]).to.deep.equal([231, 74, 20, 5, 67, 178, 10, 168])
    expect([...credential.serverKey.subarray(0, 8)]).to.deep.equal([102, 142, 210, 177, 112, 96, 119, 11])
  })

  it('a salted password is taken as it is', () => {
    const { credential } = scramUserOf('SCRAM-SHA-512=[name=a,salt="N3E=",saltedpassword="YCE="]', random)
    expect([...credential.storedKey.subarray(0, 8)]).to.deep.equal([113, 118, 163, 73, 249, 30, 178, 225])
    expect([...credential.serverKey.subarray(0, 8)]).to.deep.equal([76, 97, 124, 14, 221, 238, 90, 198])
  })

  it('quotes around a value are dropped, and each credential has a salt of its own', () => {
    const quoted = 'SCRAM-SHA-256=[name="b",password="x y",iterations=8192,]'
    const { name, credential } = scramUserOf(quoted, random)
    expect([name, credential.iterations, credential.storedKey.length]).to.deep.equal(['b', 8192, 32])
    expect(scramUserOf(quoted, random).credential.salt).to.not.deep.equal(credential.salt)
  })

  for (const [list, fault] of [
    ['', 'No equals sign found in SCRAM component: '],
    ['name=a', `You must supply one of 'password' or 'saltedpassword' to add-scram`],
    ['password=a', `You must supply 'name' to add-scram`],
    ['name=a,saltedpassword=YCE=', `You must supply 'salt' with 'saltedpassword' to add-scram`],
    ['name=a,password=b,salt=YW=', 'Failed to decode given salt: YW='],
    ['name=a,salt=YWJj,saltedpassword=!', 'Failed to decode given saltedPassword: !'],
    ['name=a,password=', `The 'password' value must not be empty for add-scram`],
    ['name=a,password=b,iterations=1', `The 'iterations' value must be >= 4096 for add-scram using SCRAM_SHA_256`],
    ['name=a,password=b,iterations=16385', `The 'iterations' value must be <= 16384 for add-scram using SCRAM_SHA_256`],
    ['name=a,password=b,iterations=1.5', 'Failed to parse iterations count: 1.5'],
    ['name=a,password=b,x=1,b=2', 'Unknown SCRAM configurations: b, x'],
  ] as const)
    it(`[${list}] is refused`, () => {
      expect(faultOf(`SCRAM-SHA-256=[${list}]`)).to.equal(fault)
    })

  it('another form or mechanism is refused', () => {
    expect(faultOf('SCRAM-SHA-256')).to.equal(`Failed to find equals sign in SCRAM argument 'SCRAM-SHA-256'`)
    expect(faultOf('SCRAM-SHA-1=[name=a]')).to.equal('The add-scram mechanism SCRAM-SHA-1 is not supported.')
    expect(faultOf('SCRAM-SHA-256=name=a]')).to.equal('Expected configuration string to start with [')
    expect(faultOf('SCRAM-SHA-256=[name=a')).to.equal('Expected configuration string to end with ]')
  })
})
