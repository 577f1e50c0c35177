import { expect } from 'chai'
import { artifactsOf, isOlder, stockTools, toolOfClass } from './stock-tools.ts'

describe('the table of stock tools', () => {
  it('orders versions by their numbers', () => {
    expect(isOlder('0.10.2.2', '0.9')).to.equal(false)
    expect(isOlder('2.8.2', '2.10')).to.equal(true)
    expect(isOlder('4.3.1', '4.3.1')).to.equal(false)
    expect(isOlder('4.3.1', '4.3')).to.equal(false)
    expect(isOlder('4', '4.3.1')).to.equal(true)
  })

  it('names the extra jars that a version has', () => {
    expect(artifactsOf('connect', '1.1.1')).to.deep.equal(['connect-runtime', 'connect-file'])
    expect(artifactsOf('connect', '2.8.2')).to.include('connect-mirror')
    expect(artifactsOf('trogdor', '2.8.2')).to.deep.equal([])
    expect(artifactsOf('trogdor', '4.3.1')).to.deep.equal(['trogdor'])
  })

  it('knows the tool of a main class, whichever version it is of', () => {
    const { 'kafka-preferred-replica-election': election } = stockTools
    expect(toolOfClass(election!.classes[0]!)).to.deep.equal(election)
    expect(toolOfClass('kafka.tools.GetOffsetShell')).to.deep.equal({ classes: ['kafka.tools.GetOffsetShell'] })
  })

  it('runs any other class, with the jars of its family', () => {
    expect(toolOfClass('no.such.Class')).to.deep.equal({ classes: ['no.such.Class'], isUnknown: true })
    expect(toolOfClass('org.apache.kafka.connect.x.Y').extra).to.equal('connect')
    expect(toolOfClass('org.apache.kafka.trogdor.x.Y').extra).to.equal('trogdor')
  })
})
