import { expect } from 'chai'
import { isRejection } from '../../protocol/error-codes.ts'
import { type ConfigChangeContext, decideConfigChange } from './config-changes.ts'
import { configResourceType } from './metadata-image.ts'

describe('changes of loggers', () => {
  const loggers = { has: (name: string) => name === 'root' || name === 'part' }
  const context = { nodeId: 1, image: { configs: new Map() }, loggers } as unknown as ConfigChangeContext

  function refusalOf(name: string, ...changes: [name: string, operation: number, value: string | null][]) {
    const decision = decideConfigChange(
      {
        type: configResourceType.brokerLogger,
        name,
        changes: changes.map(([logger, operation, value]) => ({ name: logger, operation, value })),
        replacesAll: false,
      },
      context,
    )
    return isRejection(decision) ? [decision.error, decision.message] : 'fine'
  }

  it('are refused for a logger that does not exist', () => {
    expect(refusalOf('1', ['none', 0, 'INFO'])).to.deep.equal(['INVALID_CONFIG', 'Logger none does not exist!'])
    expect(refusalOf('1', ['none', 1, null])).to.deep.equal(['INVALID_CONFIG', 'Logger none does not exist!'])
  })

  it('are refused for a level that does not exist, and for the root without one', () => {
    const levels = 'DEBUG, ERROR, FATAL, INFO, TRACE, WARN'
    expect(refusalOf('1', ['part', 0, 'warn'])).to.deep.equal([
      'INVALID_CONFIG',
      `Cannot set the log level of part to warn as it is not a supported log level. Valid log levels are ${levels}`,
    ])
    expect(refusalOf('1', ['root', 1, null])).to.deep.equal([
      'INVALID_REQUEST',
      'Removing the log level of the root logger is not allowed',
    ])
  })

  it('are accepted otherwise', () => {
    expect(refusalOf('1', ['root', 0, 'TRACE'], ['part', 1, null])).to.equal('fine')
  })

  it('are refused if the operation is not allowed for loggers', () => {
    const tail = 'is not allowed for the BROKER_LOGGER resource'
    expect(refusalOf('1', ['root', 2, 'INFO'])).to.deep.equal(['INVALID_REQUEST', `APPEND operation ${tail}`])
    expect(refusalOf('1', ['root', 9, 'INFO'])).to.deep.equal(['INVALID_REQUEST', `Unknown operation type 9 ${tail}`])
  })

  it('are refused for another broker', () => {
    expect(refusalOf('2')).to.deep.equal(['INVALID_REQUEST', 'Unexpected node id. Expected 1, but received 2'])
    expect(refusalOf('')).to.deep.equal(['INVALID_REQUEST', 'Node id must be an integer, but it is: '])
  })

  it('succeed if empty', () => {
    expect(refusalOf('1')).to.equal('fine')
  })
})
